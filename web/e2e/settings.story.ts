import { expect, expectAccessible, open, register, test } from "./test";

// Only the server's configuration may name a mail server on this machine: that the test says so is part of the story.
test("an account is set up by its provider's description, tested, paused and removed", async ({ page, commlog }) => {
  await open(page, commlog, "/settings/accounts");
  await expect(page.getByRole("gridcell", { name: "Simulator", exact: true })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Add an account" }).first().click();
  await page.getByRole("link", { name: /^SMTP/ }).click();

  await page.getByLabel("Name", { exact: true }).fill("main");
  await page.getByLabel("Host", { exact: true }).fill("127.0.0.1");
  await page.getByLabel("From", { exact: true }).fill("news@example.com");
  await page.getByText(/further settings/).click();
  await page.getByLabel("Port", { exact: true }).fill("not a port");
  await page.getByLabel("Security", { exact: true }).fill("none");
  await page.getByRole("button", { name: "Set up the account" }).click();
  await expect(page.getByRole("alert")).toContainText("port");
  await page.getByLabel("Port", { exact: true }).fill("2525");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Set up the account" }).click();

  await expect(page.getByRole("heading", { level: 1 })).toContainText("main");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByText(/The test failed\. The account's settings are wrong/)).toBeVisible();
  await expect(page.getByRole("region", { name: "Health" })).toContainText("Last test");
  await expectAccessible(page);
  await page.goto("/notifications?tab=tests");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "smtp / main failed the test" })).toBeVisible();
  await expectAccessible(page);
  await page.goBack();

  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByLabel("Reason").fill("Moving to another server");
  await page.getByRole("dialog").getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 }).getByText("Paused")).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause", exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page).toHaveURL(/\/settings\/accounts$/);
});

test("a key opens the console until it is revoked", async ({ page, commlog }) => {
  await open(page, commlog, "/settings/keys");
  await page.getByRole("button", { name: "Issue a key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Purpose").fill("Auditor of the year");
  await dialog.getByLabel("Role", { exact: true }).selectOption("AUDITOR");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Issue a key" }).click();
  const token = await dialog.getByLabel("API key", { exact: true }).inputValue();
  expect(token).toMatch(/^clk_/);
  await dialog.getByRole("button", { name: "I have kept it" }).click();

  // The role decides what is offered.
  await page.goto(`/audit#key=${token}`);
  await page.reload();
  const pages = page.getByRole("navigation", { name: "Pages" });
  await expect(pages.getByRole("link", { name: "Audit" })).toBeVisible();
  await expect(pages.getByRole("link", { name: "Settings" })).toHaveCount(0);

  await page.goto(`/settings/keys#key=${commlog.key}`);
  await page.reload();
  const row = page.getByRole("row").filter({ hasText: "Auditor of the year" });
  await row.getByRole("button", { name: /Revoke/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(row.getByText("Revoked")).toBeVisible();
});

test("quiet hours are seen in the week before they are saved", async ({ page, commlog }) => {
  await open(page, commlog, "/settings/policy?grid=SMS");
  const panel = page.getByRole("region", { name: "Quiet hours" });
  await expect(panel.getByRole("button", { name: "Save" })).toBeVisible();
  const before = await panel.getByLabel("From", { exact: true }).count();
  await panel.getByRole("button", { name: "Add quiet hours" }).click();
  await panel.getByLabel("From", { exact: true }).last().fill("12:00");
  await panel.getByLabel("Until", { exact: true }).last().fill("13:00");
  await expect(panel.getByTitle("12:00–13:00: Waits")).toHaveCount(7);
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status").getByText("Saved", { exact: true })).toBeVisible();
  await expectAccessible(page);
  await page.reload();
  await expect(panel.getByLabel("From", { exact: true })).toHaveCount(before + 1);
});

// A picture of one pixel.
const LOGO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("a brand is set, and people see it behind the links in messages", async ({ page, commlog }) => {
  await open(page, commlog, "/settings/brand");
  const brand = page.getByRole("region", { name: "Brand" });
  await brand.getByLabel("Name", { exact: true }).fill("Weingut Rebstock");
  await brand.getByLabel("Accent", { exact: true }).fill("#ffe000");
  await expect(brand.getByText(/links and marks are #7f7000 by day/)).toBeVisible();
  const file = (name: string, mimeType: string) => ({ name, mimeType, buffer: Buffer.from(LOGO, "base64") });
  await brand.locator("input[type=file]").setInputFiles(file("logo.svg", "image/svg+xml"));
  await expect(brand.getByRole("alert")).toContainText("SVG");
  await brand.locator("input[type=file]").setInputFiles(file("logo.png", "image/png"));
  await expect(brand.getByRole("img", { name: "Logo" })).toBeVisible();
  await brand.getByLabel("Privacy notice").fill("https://rebstock.example/privacy");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status").getByText("Saved", { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Save" })).toBeDisabled();

  const { id } = await register(commlog, "Berta Brand");
  const data = (await commlog.api("query ($id: ID!) { preferencesUrl(customerId: $id) }", { id })) as {
    preferencesUrl: string;
  };
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(new URL(data.preferencesUrl).pathname);
    await expect(page.getByRole("img", { name: "Weingut Rebstock" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Privacy" })).toBeVisible();
    await expectAccessible(page);
  }
  await page.getByLabel("Language of our messages").selectOption("Deutsch");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Ihre Auswahl ist gespeichert.");
  await expectAccessible(page);
});
