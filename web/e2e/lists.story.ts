import { expect, expectAccessible, open, register, test } from "./test";

test("a marketer builds a list, sees who meets it while typing, and asks why somebody is a member", async ({
  page,
  commlog,
}) => {
  await open(page, commlog, "/lists");
  await expect(page.getByRole("grid", { name: "Lists" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "New list" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("London with email");
  await page.getByRole("button", { name: "Add criterion" }).click();
  await page.getByRole("menuitem", { name: "In territory" }).click();
  await page.getByRole("textbox", { name: "territory" }).fill("London");
  const preview = page.getByRole("complementary", { name: "Who meets them" });
  await expect(preview.getByText(/exact, of \d+ customers/)).toBeVisible();
  await expect(preview.getByRole("link").first()).toBeVisible();

  // A mistake stands where it was made.
  await page.getByRole("button", { name: "Add criterion" }).click();
  await page.getByRole("menuitem", { name: "Revenue in a range" }).click();
  const revenue = page.getByRole("group", { name: "Revenue in a range" });
  await revenue.getByRole("textbox", { name: "at least" }).fill("10");
  await revenue.getByRole("textbox", { name: "at most" }).fill("5");
  await expect(revenue.getByRole("alert")).toHaveText("is less than min");
  await revenue.getByRole("textbox", { name: "at most" }).fill("100000");
  await expect(revenue.getByRole("alert")).toHaveCount(0);
  await expectAccessible(page);

  // What is written survives a reload, as rows and as JSON.
  await expect(page).toHaveURL(/100000/);
  await page.reload();
  await expect(page.getByRole("textbox", { name: "territory" })).toHaveValue("London");
  await page.getByRole("button", { name: "JSON" }).click();
  const json = page.getByRole("textbox", { name: "Criteria as JSON" });
  await json.fill('{"all": [{"allInTerritory": {"territory": "London"}}, {"hasEmail": true}]}');
  await page.getByRole("button", { name: "Rows" }).click();
  await expect(page.getByRole("group", { name: "Has an email address" })).toBeVisible();
  await page.getByRole("button", { name: "Create list" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "London with email" })).toBeVisible();
  const members = page.getByRole("grid", { name: "Members" });
  await expect(members.getByRole("link", { name: /^Why .* is a member$/ }).first()).toBeVisible();
  await expectAccessible(page);
  await members
    .getByRole("link", { name: /^Why .* is a member$/ })
    .first()
    .click();
  await expect(page.getByRole("row", { name: /In territory: London true London/ })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Entered and left" }).click();
  await expect(page.getByRole("grid").getByText("Entered", { exact: true }).first()).toBeVisible();
});

test("members of a static list come one by one, from a file, and go", async ({ page, commlog }) => {
  const made = await commlog.api('mutation { createList(name: "Tasting") { listId } }');
  const { createList } = made as { createList: { listId: string } };
  const [first, second] = ["Mia Member", "Noah Neighbour"];
  await register(commlog, first);
  const { id } = await register(commlog, second);
  await open(page, commlog, `/lists/${createList.listId.replace("List:", "")}`);
  await page.getByRole("button", { name: "Add members" }).click();
  await page.getByRole("combobox", { name: "Search customers" }).fill(first);
  await page.getByRole("option", { name: first }).first().click();
  await page.getByRole("button", { name: "Add 1 customer" }).click();
  const members = page.getByRole("grid", { name: "Members" });
  await expect(members.getByText(first)).toBeVisible();

  await page.getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Add members from a file" }).click();
  await page.getByLabel("File", { exact: true }).setInputFiles({
    name: "guests.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(`customer_id\n${id}\nnobody@example.com\n`),
  });
  await expect(page.getByText("1 customer is a member now.")).toBeVisible();
  await expect(page.getByText("no such customer")).toBeVisible();
  await page.locator("dialog footer").getByRole("button", { name: "Close" }).click();
  await expect(members.getByText(second)).toBeVisible();
  await members.getByRole("button", { name: `Remove ${first}` }).click();
  await expect(members.getByText(first)).toHaveCount(0);

  await page.getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Delete list" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete list" }).click();
  await expect(page).toHaveURL(/\/lists$/);
});
