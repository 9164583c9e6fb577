import { expect, expectAccessible, open, register, test } from "./test";

/** An order of a customer. */
const ORDER = `mutation ($customerId: ID!) { recordActivity(input: {
  customerId: $customerId, kind: ORDER, reference: "W-1", status: "paid", amountMicros: "42000000", currency: "GBP"
}) { activity { id } } }`;

test("somebody signs in, finds a customer and reads part of the history", async ({ page, commlog }) => {
  const { id: customerId } = await register(commlog, "Ivan Kolar");
  await commlog.api(ORDER, { customerId });
  await page.goto("/customers");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await expectAccessible(page);
  await page.getByLabel("API key").fill("clk_unknown");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText(/not known here/);
  await page.getByLabel("API key").fill(commlog.key);
  await page.getByRole("button", { name: "Sign in" }).click();

  const table = page.getByRole("grid", { name: "Customers" });
  await expect(table.getByRole("row")).not.toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole("searchbox", { name: "Search customers" }).fill("kolar");
  await expect(page.getByText("1 customer", { exact: true })).toBeVisible();
  await expect(page).toHaveURL(/search=kolar/);

  await table.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Ivan Kolar" })).toBeVisible();
  await expect(page).toHaveTitle("Ivan Kolar · commlog");
  await expect(page.getByRole("article").filter({ hasText: "Registered" })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Kinds" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Order" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("article").filter({ hasText: "Registered" })).toHaveCount(0);
  await expect(page.getByRole("article").first()).toContainText("Order");

  // The address is the whole state: a reload shows the same.
  await page.reload();
  await expect(page.getByRole("article").first()).toContainText("Order");
  await expect(page.getByRole("article").filter({ hasText: "Registered" })).toHaveCount(0);
});

test("what others write appears on the timeline by itself", async ({ page, commlog }) => {
  const { id, uuid } = await register(commlog, "Jana Svoboda");
  const subscribed = page
    .waitForEvent("websocket")
    .then((socket) => socket.waitForEvent("framesent", ({ payload }) => String(payload).includes("TimelineChanges")));
  await open(page, commlog, `/customers/${uuid}`);
  await expect(page.getByRole("article").first()).toBeVisible();
  await subscribed;
  await commlog.api('mutation ($id: ID!) { addNote(customerId: $id, text: "Called back") { noteId } }', { id });
  await expect(page.getByRole("article").filter({ hasText: "Called back" })).toBeVisible();

  await page.getByRole("textbox", { name: "Add a note" }).fill("Wants the Malbec");
  await page.getByRole("button", { name: "Add a note" }).click();
  const note = page.getByRole("article").filter({ hasText: "Wants the Malbec" });
  await expect(note).toHaveCount(1);
  await note.getByRole("button", { name: "Pin" }).click();
  await expect(note.getByRole("button", { name: "Unpin" })).toBeVisible();
});
