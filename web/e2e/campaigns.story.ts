import { writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import type { Commlog } from "./commlog";
import { expect, expectAccessible, open, test } from "./test";

/** Customers of one territory who agreed to mails, in a file as another system exports it. */
async function importGuests(commlog: Commlog) {
  const rows = Array.from({ length: 60 }, (_, row) => `Guest ${row},guest-${row}@example.com,Cellar,yes`);
  const file = test.info().outputPath("guests.csv");
  await writeFile(file, ["name,email,territory,consent_email", ...rows].join("\n"));
  await commlog.command("import", "customers", file);
}

async function buildList(page: Page) {
  await page.getByRole("link", { name: "Lists" }).click();
  await page.getByRole("link", { name: "New list" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Guests of the cellar");
  await page.getByRole("button", { name: "Add criterion" }).click();
  await page.getByRole("menuitem", { name: "In territory" }).click();
  await page.getByRole("textbox", { name: "territory" }).fill("Cellar");
  const preview = page.getByRole("complementary", { name: "Who meets them" });
  await expect(preview.getByText("60", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Create list" }).click();
  await expect(page.getByRole("grid", { name: "Members" }).getByRole("row").nth(1)).toContainText("Guest");
}

/** What a template begins with can be sent as it is. */
async function writeTemplate(page: Page) {
  await page.getByRole("link", { name: "Templates" }).click();
  await page.getByRole("button", { name: "New template" }).click();
  await page.getByLabel("Title").fill("Winter short");
  await page.getByRole("button", { name: "Create template" }).click();
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("Published · v1")).toBeVisible();
}

/** A published text, made beside the console. */
async function publish(commlog: Commlog, code: string) {
  const source = `<html><body><p>${code}</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>`;
  const contents = [{ locale: "en", texts: { email: { markup: "HTML", subject: code, source } } }];
  await commlog.api(
    `mutation ($input: TemplateInput!, $code: String!) {
      saveTemplate(input: $input) { refusal { message } }
      publishTemplate(code: $code) { refusal { message } }
    }`,
    { input: { code, title: code, contents }, code },
  );
}

test("a file becomes a list, a text and a campaign: planned as a comparison, tried dry, started, watched and read", async ({
  page,
  commlog,
}) => {
  // The whole way of a campaign, with each page checked.
  test.slow();
  await importGuests(commlog);
  await publish(commlog, "winter-long");
  await open(page, commlog, "/campaigns");
  await expectAccessible(page);
  await buildList(page);
  await writeTemplate(page);

  await page.getByRole("link", { name: "Campaigns" }).click();
  await page.getByRole("link", { name: "New campaign" }).click();

  await page.getByLabel("Name").fill("Winter wines");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("group", { name: "Lists" }).getByLabel("Guests of the cellar").check();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page).toHaveURL(/step=content/);

  // What was written so far is in the address.
  await page.reload();
  await page.getByLabel("Template").first().selectOption({ label: "Winter short" });
  await expect(page.getByRole("region", { name: "Preview" })).toContainText("Winter short");
  await page.getByRole("button", { name: "Compare two texts" }).click();
  await page.getByLabel("Template").nth(2).selectOption({ label: "winter-long" });
  await page.getByLabel("Held out, %").fill("20");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Continue" }).click();

  // From here on the server keeps the draft.
  await expect(page).toHaveURL(/\/campaigns\/[0-9a-f-]{36}\/plan\?step=schedule/);
  await page.getByRole("radio", { name: /Again and again/ }).check();
  await page.getByLabel("Pattern").fill("every day");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert").first()).toContainText("five fields");
  await page.getByRole("radio", { name: /Now/ }).check();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Messages").fill("0");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
  await expect(page.getByText("Nothing to mend")).toHaveCount(2);
  await expectAccessible(page);

  await page.getByRole("link", { name: "Dry run" }).click();
  const funnel = page.getByRole("list", { name: "From the audience to messages" });
  await funnel.getByRole("button", { name: "Held out for comparison" }).click();
  await expect(page.getByRole("region", { name: "Held out for comparison" }).getByRole("link")).not.toHaveCount(0);
  await expectAccessible(page);

  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  // Live: the page follows the campaign to its end.
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Completed", { timeout: 30_000 });
  await expect(page.getByRole("list", { name: "What became of the audience" })).toContainText("Messages requested");
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Comparison" }).click();
  await expect(page.getByRole("region", { name: "Share of customers, with 95 % intervals" })).toContainText("%");
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Results" }).click();
  await expect(page.getByRole("region", { name: "Variant and channel" }).getByRole("row")).toHaveCount(3);
  await expectAccessible(page);
  await page.getByRole("link", { name: /^Sent: / }).click();
  const recipients = page.getByRole("grid", { name: "Sent" });
  await expect(recipients.getByRole("row")).not.toHaveCount(1);
  await page.getByLabel("What became of them").selectOption({ label: "Left out of the audience" });
  await expect(page.getByRole("grid", { name: "Left out of the audience" })).toContainText("Held out for comparison");
  await expectAccessible(page);
});

test("somebody slows a running campaign down, pauses it, lets it go on and cancels it", async ({ page, commlog }) => {
  await publish(commlog, "slowly");
  const { createCampaign } = (await commlog.api(
    `mutation {
      createCampaign(input: {
        name: "Slow one", channel: EMAIL, topic: "newsletter", template: "slowly"
        audience: { everybody: true }, rate: { messages: 1, per: HOUR }
      }) { campaignId }
    }`,
  )) as { createCampaign: { campaignId: string } };
  await open(page, commlog, `/campaigns/${createCampaign.campaignId.replace("Campaign:", "")}`);
  await page.getByRole("button", { name: "Start" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Start" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByLabel("Yes, to all customers").check();
  await dialog.getByRole("button", { name: "Start" }).click();
  const heading = page.getByRole("heading", { level: 1 });
  await expect(heading).toContainText("Running");

  await page.getByRole("button", { name: "More steps" }).click();
  await page.getByRole("menuitem", { name: "Change the rate" }).click();
  await dialog.getByLabel("Rate").fill("2");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("tab", { name: "Plan" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("2 per hour");

  await page.getByRole("button", { name: "Pause" }).click();
  await dialog.getByLabel("Reason").fill("Prices are wrong");
  await dialog.getByRole("button", { name: "Pause" }).click();
  await expect(heading).toContainText("Paused");
  await page.getByRole("tab", { name: "Overview" }).click();
  await expect(page.getByText("Prices are wrong")).toBeVisible();
  await expectAccessible(page);

  // A colleague lets it go on: the page shows it by itself.
  await commlog.api("mutation ($id: ID!) { resumeCampaign(campaignId: $id) { refusal { message } } }", {
    id: createCampaign.campaignId,
  });
  await expect(heading).toContainText("Running");
  await page.getByRole("button", { name: "More steps" }).click();
  await page.getByRole("menuitem", { name: "Cancel the campaign" }).click();
  await dialog.getByLabel("Reason").fill("Not this year");
  await dialog.getByRole("button", { name: "Cancel the campaign" }).click();
  await expect(heading).toContainText("Cancelled");
});
