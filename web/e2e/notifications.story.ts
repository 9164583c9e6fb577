import { expect, expectAccessible, open, register, test } from "./test";

const MAIL_SERVER = { host: "127.0.0.1", port: "2525", from: "news@example.com", security: "none" };

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
  const button = page.getByRole("button", { name: "Test" });
  await expect(button).toHaveCount(0);

  // Only the server's configuration may name a mail server on this machine: the test says so.
  await commlog.api(
    `mutation ($settings: [AccountSettingInput!]!) {
      configureAccount(input: { provider: "smtp", name: "tested", settings: $settings }) { refusal { message } }
    }`,
    { settings: Object.entries(MAIL_SERVER).map(([name, value]) => ({ name, value })) },
  );
  await page.reload();
  await button.click();
  await expect(page.getByRole("status").filter({ hasText: "smtp / tested failed the test" })).toBeVisible();
  await expectAccessible(page);
  await commlog.api('mutation { removeAccount(provider: "smtp", name: "tested") { refusal { message } } }');
});
