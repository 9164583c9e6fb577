import { expect, expectAccessible, open, test } from "./test";

test("each figure of today leads to its rows", async ({ page, commlog }) => {
  await open(page, commlog, "/?range=week");
  const sums = page.getByRole("region", { name: "Sums by channel" });
  await expect(sums.getByRole("row", { name: /Email/ })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Delivered", exact: true }).click();
  await expect(page).toHaveURL(/measure=delivered/);
  await page.getByRole("button", { name: "As table" }).click();
  await expect(page.getByRole("region", { name: "Delivered" }).getByRole("row")).toHaveCount(8);

  await sums.getByRole("row", { name: /Email/ }).getByRole("link").first().click();
  await expect(page).toHaveURL(/\/messages\?.*channels=EMAIL/);
  await expect(page.getByRole("grid", { name: "Messages" }).getByRole("row").nth(1)).toContainText("Email");
  await expectAccessible(page);
});
