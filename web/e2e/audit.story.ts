import { expect, expectAccessible, open, test } from "./test";

test("an auditor finds an event, reads its sealed part and sees that it was recorded", async ({ page, commlog }) => {
  await open(page, commlog, "/audit");
  const events = page.getByRole("grid", { name: "Events" });
  await page.getByLabel("Type of event").fill("MessageQueued");
  await page.getByLabel("Type of event").press("Enter");
  await expect(page).toHaveURL(/types=MessageQueued/);
  await expect(events.getByRole("link", { name: /MessageQueued/ }).first()).toBeVisible();
  await expect(events.getByRole("link", { name: /MessageSent/ })).toHaveCount(0);
  await expectAccessible(page);

  await events.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "MessageQueued", level: 1 })).toBeVisible();
  const chain = page.getByRole("region", { name: "Chain of hashes" });
  await expect(chain.locator("[aria-current]")).toHaveText(/MessageQueued[0-9a-f]{64}/);
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page.getByRole("group", { name: "Personal part" })).toBeVisible();
  await expectAccessible(page);

  await page.goto("/audit/reads");
  await expect(page.getByRole("grid").getByRole("row").nth(1)).toContainText("event");
  await expectAccessible(page);
});
