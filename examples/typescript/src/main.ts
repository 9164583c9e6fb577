// A front end's morning: who waits for a reply, what was not delivered, a reply to the first customer, and what becomes of it.
import { randomUUID } from "node:crypto";
import { Commlog } from "./client.js";
import { graphql } from "./gql/index.js";

const Inbox = graphql(`
  query Inbox($first: Int!) {
    inbox(filter: { states: [OPEN, PENDING] }) {
      all { open pending unread }
      conversations(orderBy: LONGEST_WAITING, first: $first) {
        nodes { id channel waitingSince customer { id name } lastMessage { id preview } }
      }
    }
  }
`);

const NotDelivered = graphql(`
  query NotDelivered($first: Int!, $after: String) {
    messages(filter: { states: [SUPPRESSED, FAILED, BOUNCED] }, first: $first, after: $after) {
      nodes { id state customer { id name } reasons { reason code } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const Reply = graphql(`
  mutation Reply($input: SendMessageInput!, $key: String!) {
    sendMessage(input: $input, idempotencyKey: $key) {
      messageId
      decision
      rule
      position
      refusal { code message }
    }
  }
`);

const Timeline = graphql(`
  subscription Timeline($customer: ID!, $after: Position) {
    timeline(customerId: $customer, after: $after) { id position message { messageId state } }
  }
`);

async function main(origin: string, key: string): Promise<void> {
  const commlog = new Commlog(origin, key);
  try {
    const { inbox } = await commlog.query(Inbox, { first: 10 });
    console.log(`${inbox.all.open} open, ${inbox.all.unread} unread`);
    for (const { customer, channel, waitingSince, lastMessage } of inbox.conversations.nodes) {
      console.log(`waiting since ${waitingSince}: ${customer?.name ?? "?"} (${channel}): ${lastMessage?.preview ?? ""}`);
    }

    // Page by page, as somebody scrolls.
    let after: string | null | undefined;
    do {
      const { messages } = await commlog.query(NotDelivered, { first: 2, after });
      for (const { state, customer, reasons } of messages.nodes) {
        const why = reasons.map(({ reason, code }) => reason ?? code).join(", ");
        console.log(`not delivered: ${customer?.name ?? "?"}: ${state}, ${why}`);
      }
      after = messages.pageInfo.hasNextPage ? messages.pageInfo.endCursor : null;
    } while (after);

    const [waiting] = inbox.conversations.nodes;
    if (!waiting?.customer) {
      console.log("nobody waits");
      return;
    }
    const { sendMessage } = await commlog.mutate(Reply, {
      input: {
        customerId: waiting.customer.id,
        channel: waiting.channel,
        class: "TRANSACTIONAL",
        topic: "service",
        body: "Thank you, we are looking into it.",
        inReplyTo: waiting.lastMessage?.id,
      },
      // Repeated with the same key, for example after a time-out, it is sent once.
      key: randomUUID(),
    });
    if (sendMessage.refusal) throw new Error(`${sendMessage.refusal.code}: ${sendMessage.refusal.message}`);
    console.log(`reply: ${sendMessage.decision}${sendMessage.rule ? ` by ${sendMessage.rule}` : ""}`);
    if (sendMessage.decision !== "QUEUED") return;

    // From the mutation's position on: nothing between it and the subscription is missed.
    for await (const { timeline } of commlog.follow(Timeline, { customer: waiting.customer.id, after: sendMessage.position })) {
      if (timeline.message?.messageId !== sendMessage.messageId) continue;
      console.log(`reply is now ${timeline.message?.state}`);
      if (timeline.message?.state === "DELIVERED") return;
    }
  } finally {
    await commlog.close();
  }
}

const [origin, key] = process.argv.slice(2);
if (!origin || !key) {
  console.error("usage: npm start -- http://127.0.0.1:7700 clk_…");
  process.exitCode = 2;
} else {
  await main(origin, key);
}
