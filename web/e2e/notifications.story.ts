import { expect, expectAccessible, open, register, test } from "./test";

test("somebody writes to one customer, sees why not beforehand and what was decided after", async ({
  page,
  commlog,
}) => {
  await register(commlog, "Sandra Single", "+447700900313");
  await open(page, commlog, "/notifications");
  await expectAccessible(page);
  await page.getByRole("combobox", { name: "Customer" }).fill("sandra");
  await page.getByRole("option", { name: /Sandra Single/ }).click();
  const reasons = page.getByRole("complementary", { name: "What would happen" });
  // Before a word is written, the rules are shown and what is still missing.
  await expect(reasons).toContainText("Not yet:");
  await expect(reasons).toContainText("The address is not suppressed.");
  await page.getByLabel("Channel").selectOption({ label: "Push" });
  await expect(reasons).toContainText("The customer has no address that this channel reaches.");

  await page.getByLabel("Channel").selectOption({ label: "SMS" });
  await page.getByLabel("Text").fill("Your order is ready 🍷");
  await expect(page.getByText(/1 segment · needs Unicode/)).toBeVisible();
  await expect(reasons.getByRole("status")).toHaveText("It would be sent at once.");
  await reasons.getByText("Rules that do not apply").click();
  await expect(reasons).toContainText("the message is no marketing");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(reasons.getByRole("link", { name: "Show the message" })).toBeVisible();
});

test("what would hold or stop a message is said before it is sent", async ({ page, commlog }) => {
  const customer = await register(commlog, "Otto Optout");
  await commlog.api(
    "mutation ($input: ConsentInput!) { setConsent(input: $input) { consent { state } refusal { code } } }",
    {
      input: { customerId: customer.id, channel: "EMAIL", topic: "all", state: "OPTED_OUT", method: "operator" },
    },
  );
  await open(page, commlog, `/customers/${customer.uuid}`);
  await page.getByRole("button", { name: "Write" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Subject").fill("Half price");
  await dialog.getByLabel("Text").fill("Today only");
  const verdict = dialog.getByRole("region", { name: "What would happen" });
  await expect(verdict).toContainText("It would be sent at once.");
  await dialog.getByLabel("Class").selectOption({ label: "Marketing" });
  await expect(verdict).toContainText("It would not be sent: no consent.");
  await verdict.getByText("Each rule").click();
  await expect(verdict).toContainText("The customer opted out of all topics by Email.");
  await expectAccessible(page);
  await dialog.getByLabel("Class").selectOption({ label: "Transactional" });
  await dialog.getByLabel("Not before").fill("2099-01-01T10:00");
  await expect(verdict).toContainText("It would wait until 1 Jan 2099");
});

test("the rules, what runs by itself and the services can be looked at", async ({ page, commlog }) => {
  await open(page, commlog, "/notifications?tab=settings");
  await expect(page.getByRole("heading", { name: "Quiet hours and days" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Automated" }).click();
  await expect(page.getByText("No recurring campaigns")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Service tests" }).click();
  await expect(page.getByText("Nothing leaves this server")).toBeVisible();
  await page.getByRole("button", { name: "Test" }).click();
  await expect(page.getByText(/would take a message|works/)).toBeVisible();
  await expectAccessible(page);
});
