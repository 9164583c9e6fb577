import { expect, expectAccessible, open, test } from "./test";

interface Found {
  conversations: { nodes: { id: string; customerId: string; customer: { name: string } }[] };
}

test("an agent answers a conversation, and a colleague's tab follows by itself", async ({ page, context, commlog }) => {
  const found = (await commlog.api(
    "{ conversations(first: 1, filter: { channels: [SMS] }) { nodes { id customerId customer { name } } } }",
  )) as Found;
  const [conversation] = found.conversations.nodes;
  if (!conversation) throw new Error("the demo has a conversation by SMS");
  const path = `/inbox?channel=SMS&c=${conversation.id.slice("Conversation:".length)}`;
  const { name } = conversation.customer;

  const colleague = await context.newPage();
  const subscribed = colleague
    .waitForEvent("websocket")
    .then((socket) => socket.waitForEvent("framesent", ({ payload }) => String(payload).includes("ThreadChanges")));
  await open(colleague, commlog, path);
  await subscribed;
  await open(page, commlog, path);
  await expect(page.getByRole("link", { name }).first()).toBeVisible();
  await expectAccessible(page);

  await page.keyboard.press("r");
  await page.keyboard.type("We will call you today \u{1F377}");
  await expect(page.getByText("1 SMS segment · UCS-2")).toBeVisible();
  await page.keyboard.press("Control+Enter");
  await expect(page.getByRole("log").getByText("We will call you today")).toBeVisible();
  await expect(colleague.getByRole("log").getByText("We will call you today")).toBeVisible();

  await page.getByRole("button", { name: "Private note" }).click();
  await page.getByRole("textbox", { name: "Private note" }).fill("Wants a discount");
  await page.getByRole("button", { name: "Add the note" }).click();
  await expect(colleague.getByRole("log").getByText("Wants a discount")).toBeVisible();

  await page.getByRole("button", { name: "Resolve", exact: true }).click();
  await expect(colleague.getByText("Resolved", { exact: true }).first()).toBeVisible();
});

test("somebody finds out why a message was not sent", async ({ page, commlog }) => {
  const found = (await commlog.api("{ customers(first: 1, filter: { hasPhone: true }) { nodes { id } } }")) as {
    customers: { nodes: { id: string }[] };
  };
  const id = found.customers.nodes[0]?.id ?? "";
  await open(page, commlog, `/customers/${id.slice("Customer:".length)}`);
  await page.getByRole("button", { name: "Write" }).click();
  await page.getByLabel("Channel").selectOption("WHATSAPP");
  await page.getByLabel("Text", { exact: true }).fill("Your table is free");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText("Not sent: WhatsApp’s window is closed")).toBeVisible();
  await page.getByRole("link", { name: "Why?" }).click();
  await expect(page.getByText("The customer never wrote by WhatsApp")).toBeVisible();
  await expect(page.getByRole("heading", { name: /Message · WhatsApp/ })).toBeVisible();
  await page.getByText("What the rule looked at").click();
  await expect(page.getByRole("group", { name: "What the rule looked at" })).toContainText('"last_inbound_at": null');
  await expectAccessible(page);
});
