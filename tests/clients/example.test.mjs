// The example in examples/typescript, built from the schema as it is, against a server with one customer who waits.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import { PATIENCE, Server } from "./server.mjs";

const MAIN = fileURLToPath(new URL("../../examples/typescript/build/main.js", import.meta.url));

let server;
before(async () => {
  server = await Server.start();
});
after(() => server.stop());

const run = async () => (await promisify(execFile)(process.execPath, [MAIN, server.origin, server.key], { timeout: PATIENCE })).stdout;

test("the example lists, scrolls, sends and follows its message until it is delivered", { timeout: 2 * PATIENCE }, async () => {
  assert.match(await run(), /^0 open, 0 unread\nnobody waits\n$/);
  const optOut = `mutation ($id: ID!) {
    setConsent(input: { customerId: $id, channel: EMAIL, topic: "news", state: OPTED_OUT, method: "phone" }) { refusal { message } }
  }`;
  const news = `mutation ($id: ID!) {
    sendMessage(input: { customerId: $id, channel: EMAIL, class: MARKETING, topic: "news", body: "News" }) { position refusal { message } }
  }`;
  let position;
  for (const name of ["Ann", "Ben", "Cay"]) {
    const id = await server.register(name, [{ kind: "EMAIL", address: `${name.toLowerCase()}@example.org` }]);
    await server.ask(optOut, { id });
    ({ position } = (await server.ask(news, { id })).sendMessage);
  }
  const receive = `mutation {
    receiveMessage(input: { channel: SMS, from: "+447400123456", body: "Where is my order?" }) { position refusal { message } }
  }`;
  ({ position } = (await server.ask(receive)).receiveMessage);
  await server.ask("query ($position: Position) { messages(waitFor: $position) { totalCount } }", { position });
  const said = (await run()).trim().split("\n");
  assert.equal(said[0], "1 open, 1 unread");
  assert.match(said[1], /^waiting since \S+: .* \(SMS\): Where is my order\?$/);
  // Three in pages of two.
  assert.deepEqual(said.slice(2, 5), ["Cay", "Ben", "Ann"].map((name) => `not delivered: ${name}: SUPPRESSED, consent`));
  assert.equal(said[5], "reply: QUEUED");
  assert.equal(said.at(-1), "reply is now DELIVERED");
});
