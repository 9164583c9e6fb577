import { expect, expectAccessible, test } from "./test";

test("somebody signs in at the company's issuer, works under the own name and signs out", async ({ page }) => {
  await page.goto("/customers?search=brandt");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await expectAccessible(page);
  await page.getByRole("link", { name: "Sign in with your company account" }).click();
  await page.getByRole("link", { name: "Hugo Helpdesk" }).click();

  await expect(page).toHaveURL(/\/customers\?search=brandt$/);
  const pages = page.getByRole("navigation", { name: "Pages" });
  await expect(pages.getByRole("link", { name: "Customers" })).toBeVisible();
  await expect(pages.getByRole("link", { name: /Audit|Settings/ })).toHaveCount(0);
  // The cookie is all that a new tab needs, and no script reads it.
  await page.reload();
  await page.getByRole("button", { name: "Hugo Helpdesk" }).click();
  expect(await page.evaluate(() => document.cookie)).toBe("");
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goto("/customers");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test("who has no role there is told so", async ({ page }) => {
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Sign in with your company account" }).click();
  await page.getByRole("link", { name: "Nora Newcomer" }).click();
  await expect(page.getByRole("alert")).toContainText("no role here yet");
  await expectAccessible(page);
});
