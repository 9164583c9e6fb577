import type { Commlog } from "./commlog";
import { expect, expectAccessible, register, signIn, test } from "./test";

/** A key with what is usual for the role. */
async function keyOf(commlog: Commlog, role: "AGENT" | "ANALYST"): Promise<string> {
  const issued = (await commlog.api(
    "mutation ($role: Role!, $label: String!) { issueApiKey(role: $role, label: $label) { token } }",
    { role, label: `story of the ${role}` },
  )) as { issueApiKey: { token: string } };
  return issued.issueApiKey.token;
}

const FORGET = 'mutation ($id: ID!) { forgetCustomer(customerId: $id, reason: "may I?") { position } }';

test("an agent answers customers and administers nothing", async ({ page, commlog }) => {
  const key = await keyOf(commlog, "AGENT");
  const customer = await register(commlog, "Rita Rolle");
  await signIn(page, key, `/customers/${customer.uuid}`);
  await expect(page.getByRole("button", { name: "Write" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Add a note" })).toBeVisible();
  await page.getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("menuitem", { name: "Edit" })).toBeVisible();
  await expect(page.getByRole("menuitem", { name: "Forget the customer" })).toHaveCount(0);
  await page.keyboard.press("Escape");

  const pages = page.getByRole("navigation", { name: "Pages" });
  await expect(pages.getByRole("link", { name: "Inbox" })).toBeVisible();
  await expect(pages.getByRole("link", { name: /Audit|Settings/ })).toHaveCount(0);
  await pages.getByRole("link", { name: "Campaigns" }).click();
  await expect(page.getByRole("grid", { name: "Campaigns" })).toBeVisible();
  await expect(page.getByRole("link", { name: "New campaign" })).toHaveCount(0);

  // An address that a colleague has sent says why nothing is there; the server refuses by itself.
  await page.goto("/settings/keys");
  await expect(page.getByRole("heading", { name: "This page is for other roles" })).toBeVisible();
  await expectAccessible(page);
  await expect(commlog.api(FORGET, { id: customer.id }, key)).rejects.toThrow(/FORBIDDEN/);
});

test("who only reads is offered nothing to change, and sees no person", async ({ page, commlog }) => {
  const key = await keyOf(commlog, "ANALYST");
  const customer = await register(commlog, "Vera Viewer");
  await signIn(page, key, "/customers");
  const table = page.getByRole("grid", { name: "Customers" });
  await expect(table.getByRole("row").nth(1)).toBeVisible();
  await expect(table.getByRole("checkbox")).toHaveCount(0);

  await page.goto(`/customers/${customer.uuid}`);
  await expect(page.getByRole("article").filter({ hasText: "Registered" })).toBeVisible();
  await expect(page.getByText("Vera Viewer")).toHaveCount(0);
  await expect(page.getByRole("button", { name: /Write|More actions|Set consent/ })).toHaveCount(0);
  await expect(page.getByRole("textbox", { name: "Add a note" })).toHaveCount(0);
  await expectAccessible(page);
  await page.goto("/audit");
  await expect(page.getByRole("heading", { name: "This page is for other roles" })).toBeVisible();
});
