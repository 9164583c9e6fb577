import { expect, expectAccessible, open, register, test } from "./test";

const WRITES = `mutation ($customerId: ID!, $from: String!) {
  receiveMessage(input: { channel: SMS, customerId: $customerId, from: $from, body: "Is it ready?" }) {
    conversation { id }
  }
}`;

test("an agent answers a conversation, and a colleague's tab follows by itself", async ({ page, context, commlog }) => {
  const [name, from] = ["Petra Antwort", "+447700900311"];
  const { id: customerId } = await register(commlog, name, from);
  const received = (await commlog.api(WRITES, { customerId, from })) as {
    receiveMessage: { conversation: { id: string } };
  };
  const path = `/inbox?channel=SMS&c=${received.receiveMessage.conversation.id.slice("Conversation:".length)}`;

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
  const { uuid } = await register(commlog, "Wendy Window", "+447700900312");
  await open(page, commlog, `/customers/${uuid}`);
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
