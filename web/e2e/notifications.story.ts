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
  const reasons = page.getByRole("complementary", { name: "Why, or why not" });
  await expect(reasons).toContainText("The address is not suppressed.");
  await page.getByLabel("Channel").selectOption({ label: "Push" });
  await expect(reasons).toContainText("There is no address for Push.");

  await page.getByLabel("Channel").selectOption({ label: "SMS" });
  await page.getByLabel("Text").fill("Your order is ready 🍷");
  await expect(page.getByText(/1 segment · needs Unicode/)).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(reasons.getByRole("link", { name: "Show the message" })).toBeVisible();
});

test("the rules, what runs by itself and the services can be looked at, and a service tested", async ({
  page,
  commlog,
}) => {
  await open(page, commlog, "/notifications?tab=settings");
  await expect(page.getByRole("heading", { name: "Quiet hours and days" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Automated" }).click();
  await expect(page.getByText("No recurring campaigns")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Service tests" }).click();
  await expect(page.getByText("Nothing leaves this server")).toBeVisible();
  await page.getByRole("button", { name: "Test" }).click();
  await expect(page.getByRole("status").filter({ hasText: "would take a message" })).toBeVisible();
  await expectAccessible(page);
});
