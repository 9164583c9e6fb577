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

test("an auditor verifies the log, leaves the page, finds the result and saves the checkpoint", async ({
  page,
  commlog,
}) => {
  await open(page, commlog, "/audit/integrity");
  const panel = page.getByRole("region", { name: "Verify the log" });
  await expect(panel).toContainText("The log was not verified from here yet.");
  await expectAccessible(page);
  await panel.getByRole("button", { name: "Verify now" }).click();
  await expect(panel.getByRole("status")).toContainText(/events in [\d,]+ streams are what was recorded/);
  await expect(panel.getByRole("button", { name: "Verify now" })).toBeEnabled();
  await page.reload();
  await expect(panel.getByRole("status")).toContainText("Whole");
  const saved = page.waitForEvent("download");
  await page
    .getByRole("button", { name: /^Save: The first/ })
    .first()
    .click();
  expect((await saved).suggestedFilename()).toBe("log.checkpoint");
  await panel.getByRole("button", { name: "Verify now" }).click();
  await expect(panel.getByText("1 earlier verification")).toBeVisible();
  await expectAccessible(page);
});
