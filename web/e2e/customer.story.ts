import { NAMES, seedHostile } from "./hostile";
import { expect, expectAccessible, open, register, test } from "./test";

test("the slider shows the customer as the API has it as of a moment", async ({ page, commlog }) => {
  const { id, uuid } = await register(commlog, "Greta Past");
  const known = (await commlog.api(
    'mutation ($id: ID!) { changeCustomer(customerId: $id, changes: { name: "Greta Now" }) { customer { changedAt } } }',
    { id },
  )) as { changeCustomer: { customer: { changedAt: string } } };
  const before = new Date(Date.parse(known.changeCustomer.customer.changedAt) - 1).toISOString();

  await open(page, commlog, `/customers/${uuid}`);
  await expect(page.getByRole("heading", { name: "Greta Now" })).toBeVisible();
  await page.getByRole("button", { name: "Look at the past" }).click();
  await expect(page.getByText("This is the past")).toBeVisible();
  await expect(page.getByRole("button", { name: "Write" })).toHaveCount(0);
  await expectAccessible(page);

  await page.goto(`/customers/${uuid}?asOf=${before}`);
  await expect(page.getByRole("heading", { name: "Greta Past" })).toBeVisible();
  const asOf = (await commlog.api(
    "query ($id: ID!, $at: DateTime!) { customer(id: $id, asOf: { time: $at }) { name } }",
    {
      id,
      at: before,
    },
  )) as { customer: { name: string } };
  expect(asOf.customer.name).toBe("Greta Past");
  await page.getByRole("slider").press("Home");
  await expect(page).not.toHaveURL(new RegExp(`asOf=${before}`));
  await page.getByRole("button", { name: "Back to now" }).click();
  await expect(page.getByRole("heading", { name: "Greta Now" })).toBeVisible();
});

test("a customer is forgotten once the name was typed", async ({ page, commlog }) => {
  const { uuid } = await register(commlog, "Olga Gone");
  await open(page, commlog, `/customers/${uuid}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Forget the customer" }).click();
  const forget = page.getByRole("dialog").getByRole("button", { name: "Forget the customer" });
  await page.getByLabel("Reason, for the log").fill("asked for it");
  await page.getByLabel(/Type the name/).fill("Olga");
  await expect(forget).toBeDisabled();
  await page.getByLabel(/Type the name/).fill("Olga Gone");
  await expectAccessible(page);
  await forget.click();
  await expect(page.getByRole("heading", { name: "Forgotten customer" })).toBeVisible();
  await expect(page.getByText("Olga Gone")).toHaveCount(0);
});

test("several customers get a tag, and the view is kept under a name", async ({ page, commlog }) => {
  await open(page, commlog, "/customers");
  const table = page.getByRole("grid", { name: "Customers" });
  await table
    .getByRole("checkbox", { name: /^Select / })
    .nth(1)
    .check();
  await table
    .getByRole("checkbox", { name: /^Select / })
    .nth(2)
    .check();
  await expect(page.getByText("2 customers selected")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("menuitem", { name: "Add a tag" }).click();
  await page.getByLabel("Value").fill("bulk-made");
  await page.getByRole("button", { name: "Change 2 customers" }).click();
  await expect(page.getByText("2 customers were changed")).toBeVisible();

  await page.goto("/customers?tags=bulk-made");
  await expect(page.getByText("2 customers", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Save this view" }).click();
  await page.getByLabel("Name of the view").fill("Mine");
  await page.getByRole("button", { name: "Save" }).click();
  await page.goto("/customers");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Mine" }).click();
  await expect(page).toHaveURL(/tags=bulk-made/);
});

test("hostile names, texts and mails run nothing, fetch nothing and keep the layout", async ({ page, commlog }) => {
  const ids = await seedHostile(commlog);
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(commlog.url) && !request.url().startsWith("data:")) elsewhere.push(request.url());
  });
  const isWhole = async () => {
    expect(await page.title()).not.toBe("run");
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
  };
  for (const width of [1440, 360]) {
    await page.setViewportSize({ width, height: 740 });
    await open(page, commlog, "/customers");
    await expect(page.getByText(NAMES.markup).first()).toBeVisible();
    await isWhole();
    for (const id of Object.values(ids)) {
      await page.goto(`/customers/${id.slice("Customer:".length)}`);
      await expect(page.getByRole("article").first()).toBeVisible();
      await isWhole();
    }
    // The simulated customer may have replied: who has just written is certainly among the open ones.
    await commlog.api(
      `mutation ($customerId: ID!) {
        receiveMessage(input: { channel: EMAIL, customerId: $customerId, from: "markup@example.com", body: "Again" }) {
          conversation { id }
        }
      }`,
      { customerId: ids.markup },
    );
    await page.goto("/inbox?folder=open");
    const row = page.getByRole("link", { name: NAMES.markup }).first();
    await expect(row).toBeVisible();
    await isWhole();
    await row.click();
    await expect(page.getByRole("log").getByText(NAMES.markup).first()).toBeVisible();
    await isWhole();
  }
  const sent = (await commlog.api(
    "query ($id: ID!) { messages(first: 1, filter: { customerId: $id, direction: OUTBOUND }) { nodes { id } } }",
    {
      id: ids.markup,
    },
  )) as { messages: { nodes: { id: string }[] } };
  await page.goto(`/messages/${sent.messages.nodes[0]?.id.slice("Message:".length)}`);
  await expect(page.frameLocator("iframe").getByRole("heading", { name: "Hostile" })).toBeVisible();
  await expect(page.frameLocator("iframe").locator("script, form, iframe, svg, base")).toHaveCount(0);
  await isWhole();
  expect(elsewhere).toEqual([]);
});
