// graphql-ws's client against a server that restarts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient } from "graphql-ws";
import { PATIENCE, Server } from "./server.mjs";

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

const WATCH = `subscription ($id: ID!, $after: Position) {
  timeline(customerId: $id, after: $after) { id position note { text } }
}`;

/** Follows a timeline over connections that may break; each begins after the last entry that came. */
function follow(id, after, entries, failed) {
  let last = after;
  const client = createClient({
    ...server.socket,
    retryAttempts: 0,
  });
  let stopped = false;
  const begin = () => {
    if (stopped) return;
    client.subscribe(
      { query: WATCH, variables: { id, after: last } },
      {
        next: ({ data, errors }) => {
          if (errors) return failed(errors);
          last = data.timeline.position;
          entries.push(data.timeline.note.text);
        },
        error: () => setTimeout(begin, 20),
        complete: () => setTimeout(begin, 20),
      },
    );
  };
  begin();
  return () => {
    stopped = true;
    return client.dispose();
  };
}

async function until(met) {
  const end = Date.now() + PATIENCE;
  while (!met()) {
    assert.ok(Date.now() < end, "nothing more came");
    await new Promise((pause) => setTimeout(pause, 10));
  }
}

test("a subscription that is resumed after restarts misses nothing and repeats nothing", { timeout: 3 * PATIENCE }, async () => {
  const id = await server.register("Ada Example");
  const { position } = await server.note(id, "before");
  const [entries, wanted, failures] = [[], [], []];
  const stop = follow(id, position, entries, (errors) => failures.push(errors));
  for (let round = 0; round < 4; round += 1) {
    for (let number = 0; number < 5; number += 1) {
      wanted.push(`n${round}-${number}`);
      await server.note(id, wanted.at(-1));
    }
    if (round % 2 === 0) await until(() => entries.length === wanted.length);
    await server.restart();
  }
  await until(() => entries.length >= wanted.length);
  await server.note(id, "end");
  await until(() => entries.at(-1) === "end");
  await stop();
  assert.deepEqual(failures, []);
  assert.deepEqual(entries, [...wanted, "end"]);
});

test("what cannot be followed is an error, and the connection serves others", { timeout: PATIENCE }, async () => {
  const client = createClient({ ...server.socket, retryAttempts: 0, lazyCloseTimeout: PATIENCE });
  const first = (query, variables) =>
    new Promise((found, failed) => client.subscribe({ query, variables }, { next: found, error: failed, complete() {} }));
  const unknown = await first(WATCH, { id: "Customer:00000000-0000-7000-8000-000000000001" });
  assert.equal(unknown.errors[0].extensions.code, "CUSTOMER_UNKNOWN");
  await assert.rejects(first("subscription { nothing }"), (errors) => errors[0].message.includes("nothing"));
  assert.deepEqual((await first("{ viewer { role } }")).data, { viewer: { role: "ADMIN" } });
  await client.dispose();
});
