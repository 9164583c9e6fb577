import { expect, expectAccessible, open, register, test } from "./test";

test("a marketer writes a template, corrects it, publishes it and compares its versions", async ({ page, commlog }) => {
  await open(page, commlog, "/templates");
  await expect(page.getByRole("grid", { name: "Templates" }).getByText("Weekly specials")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "New template" }).click();
  await page.getByLabel("Title").fill("Back in stock");
  await expect(page.getByLabel("Code")).toHaveValue("back-in-stock");
  await page.getByLabel("First channel").selectOption("SMS");
  await page.getByRole("button", { name: "Create template" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Back in stock" })).toBeVisible();
  await expect(page).toHaveURL(/\/templates\/back-in-stock\?text=SMS.en/);

  // What is wrong is said with its place, and the place is one click away.
  const body = page.getByRole("textbox", { name: "Text" });
  await body.fill("Hello {{ customer_nam }}, it is back. Stop: reply STOP");
  await page.getByRole("button", { name: "Go to body, line 1" }).click();
  await expect(body).toBeFocused();
  await body.fill("Hello {{ customer_name }}, it is back. Reply STOP to end");
  const preview = page.getByRole("region", { name: "Preview" });
  await expect(preview.getByText(/Hello Amara Okafor, it is back/)).toBeVisible();
  await expect(preview.getByText(/1 segment/)).toBeVisible();
  await expectAccessible(page);

  await page.keyboard.press("Control+s");
  await expect(page.getByText("The draft is saved")).toBeVisible();
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("Published · v1")).toBeVisible();

  await body.fill("Hello {{ customer_name }}, it is here. Reply STOP to end");
  await expect(page.getByText("Not saved yet")).toBeVisible();
  await page.getByRole("tab", { name: "Versions" }).click();
  await expect(page.getByRole("heading", { name: "SMS en · body" })).toBeVisible();
  await expect(page.getByLabel("Version 1: SMS en · body")).toContainText("it is back");
  await expect(page.getByLabel("Draft: SMS en · body")).toContainText("it is here");
  await expectAccessible(page);

  // Nobody loses what is not saved.
  await page.getByRole("link", { name: "Lists" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(page.getByText("Changed · v1")).toBeVisible();
});

test("a mail is previewed as a customer, in another locale and for a phone", async ({ page, commlog }) => {
  const name = "Lena Leserin";
  await register(commlog, name);
  await open(page, commlog, "/templates/weekly-specials?text=EMAIL.en");
  const mail = page.frameLocator("iframe[title=Preview]");
  await expect(mail.getByText("A few bottles we are excited about")).toBeVisible();
  await page.getByRole("combobox", { name: "Shown as" }).fill(name);
  await page.getByRole("option", { name }).first().click();
  await expect(mail.getByText(new RegExp(name)).first()).toBeVisible();
  await page.getByRole("textbox", { name: "Locale" }).fill("de-AT");
  await expect(page.getByText("The text in de is shown.")).toBeVisible();
  await page.getByRole("button", { name: "Phone" }).click();
  await expect(page.locator("iframe[title=Preview]")).toHaveCSS("width", "375px");
  await page.getByRole("button", { name: "Plain text" }).click();
  await expect(page.getByText(/Angebote der Woche/)).toBeVisible();
});
