// GraphQL over HTTP, by the audits of graphql-http.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serverAudits } from "graphql-http";
import { PATIENCE, Server } from "./server.mjs";

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

test("every audit of graphql-http passes", { timeout: 2 * PATIENCE }, async (context) => {
  const fetchFn = (url, options = {}) =>
    fetch(url, { ...options, headers: { ...options.headers, ...server.headers } });
  const audits = serverAudits({ url: () => server.url, fetchFn });
  assert.equal(audits.length, 61);
  for (const audit of audits) {
    await context.test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      assert.equal(result.status, "ok", result.reason);
    });
  }
});
