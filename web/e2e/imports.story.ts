import { readFile } from "node:fs/promises";
import { expect, expectAccessible, open, register, test } from "./test";

const CRM = [
  "customer_id,Name,E-mail,Marketing permission,Town",
  "w1,Wanda Import,wanda@example.com,yes,Graz",
  "w2,Willi Import,willi@example.com,no,Linz",
  "w3,No Mailbox,not-an-address,yes,Wels",
].join("\n");

test("a file is dropped, asked about, tried, imported, and its refused lines come back", async ({ page, commlog }) => {
  await open(page, commlog, "/imports/new");
  await page
    .getByLabel("Drop a file here, or choose one")
    .setInputFiles({ name: "crm.csv", mimeType: "text/csv", buffer: Buffer.from(CRM) });
  await expect(page.getByRole("heading", { name: "crm.csv" })).toBeVisible();
  // Whether somebody may be written to is never guessed.
  await expect(page.getByRole("alert").filter({ hasText: "may be about consent" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Import", exact: true })).toBeDisabled();
  await expectAccessible(page);
  await page.getByLabel("Read Marketing permission as").selectOption("consent_email");
  await expect(page.getByText("Wanda Import").last()).toBeVisible();
  await expect(page.getByText("Line 4 is refused")).toBeVisible();

  await page.getByRole("button", { name: "Try", exact: true }).click();
  const tried = page.getByRole("region", { name: "Tried: nothing was written" });
  await expect(tried).toContainText("1 line, 4:");
  // What was said about the file, and the run, are in the address.
  await page.reload();
  await expect(tried).toBeVisible();
  await expect(page.getByLabel("Read Marketing permission as")).toHaveValue("consent_email");

  await page.getByRole("button", { name: "Import", exact: true }).click();
  const imported = page.getByRole("region", { name: "Imported" });
  await expect(imported).toBeVisible();
  const saved = page.waitForEvent("download");
  await imported.getByRole("button", { name: "Download refused lines" }).click();
  expect((await saved).suggestedFilename()).toBe("refused.csv");
  await expectAccessible(page);

  await imported.getByRole("link", { name: "Open the import" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /crm\.csv/ })).toBeVisible();
  await open(page, commlog, "/customers?search=wanda");
  await expect(page.getByRole("link", { name: "Wanda Import" })).toBeVisible();
});

test("what is no text is refused in words", async ({ page, commlog }) => {
  await open(page, commlog, "/imports/new");
  await page
    .getByLabel("Drop a file here, or choose one")
    .setInputFiles({ name: "crm.xlsx", mimeType: "application/zip", buffer: Buffer.from("PK\u0003\u0004sheet") });
  await expect(page.getByRole("alert").filter({ hasText: "Excel workbook" })).toBeVisible();
});

test("customers are exported, downloaded and removed, and the read is recorded", async ({ page, commlog }) => {
  await open(page, commlog, "/imports/exports");
  await expect(page.getByLabel("What")).toHaveValue("customers");
  await expect(page.getByText("Columns: tenant_id, customer_id")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const files = page.getByRole("list", { name: "Files" });
  const file = files.getByRole("listitem").first();
  await expect(file).toContainText(/[\d,]+ rows/);
  // It is the server's: a reload shows the same.
  await page.reload();
  await expect(file).toContainText("CSV for a spreadsheet");
  const saved = page.waitForEvent("download");
  await file.getByRole("button", { name: "Download" }).click();
  expect((await saved).suggestedFilename()).toMatch(/^customers-\d{4}-\d\d-\d\d\.csv$/);
  await expectAccessible(page);
  await file.getByRole("button", { name: "Remove customers" }).click();
  await expect(files).toHaveCount(0);
  await open(page, commlog, "/audit/reads");
  await expect(page.getByRole("grid").getByRole("row").nth(1)).toContainText("export");
});

test("events that are shown are exported by columns, without personal data, by a link that can be sent", async ({
  page,
  commlog,
}) => {
  await open(page, commlog, "/audit?types=MessageQueued");
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await expect(page).toHaveURL(/\/imports\/exports\?.*types=MessageQueued/);
  await expect(page.getByLabel("What")).toHaveValue("events");
  await expect(page.getByText("Columns: position, stream, version")).toBeVisible();
  await page.getByLabel("Format").selectOption({ label: "Parquet, for DuckDB and pandas" });
  await page.getByLabel("Without personal data").check();
  await expect(page.getByText("data, personal")).toHaveCount(0);
  // What is chosen is in the address.
  await page.reload();
  await expect(page.getByLabel("Without personal data")).toBeChecked();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Export", exact: true }).click();
  const file = page.getByRole("list", { name: "Files" }).getByRole("listitem").first();
  await expect(file).toContainText("some events · Without personal data");
  await expect(file).toContainText(/[1-9][\d,]* rows/);
  const saved = page.waitForEvent("download");
  await file.getByRole("button", { name: "Download" }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toMatch(/^events-\d{4}-\d\d-\d\d\.parquet$/);
  const bytes = await readFile(await download.path());
  expect(bytes.subarray(0, 4).toString()).toBe("PAR1");
  expect(bytes.subarray(-4).toString()).toBe("PAR1");
});

test("what is recorded of a customer is exported from the customer's page", async ({ page, commlog }) => {
  const { uuid } = await register(commlog, "Ada Exported");
  await open(page, commlog, `/customers/${uuid}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Export what is recorded" }).click();
  await expect(page.getByText(`Customer id: ${uuid}`)).toBeVisible();
  await page.getByLabel("Format").selectOption({ label: "JSON, an object a line" });
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const file = page.getByRole("list", { name: "Files" }).getByRole("listitem").first();
  await expect(file).toContainText("some events");
  const saved = page.waitForEvent("download");
  await file.getByRole("button", { name: "Download" }).click();
  const lines = (await readFile(await (await saved).path(), "utf8")).trim().split("\n");
  const events = lines.map((line): { type: string; stream: string; personal?: { name?: string } } => JSON.parse(line));
  expect(new Set(events.map(({ stream }) => stream))).toEqual(new Set([`customer-${uuid}`]));
  expect(events[0]).toMatchObject({ type: "CustomerRegistered", personal: { name: "Ada Exported" } });
});
