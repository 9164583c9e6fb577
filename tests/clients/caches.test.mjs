// The normalising caches of Apollo Client and urql: what a component reads from them is what the server said.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { buildClientSchema, getIntrospectionQuery, parse } from "graphql";
import { PATIENCE, Server } from "./server.mjs";

let server, possibleTypes, schema;
before(async () => {
  server = await Server.start();
  schema = await server.ask(getIntrospectionQuery());
  const types = schema.__schema.types.filter((type) => type.possibleTypes);
  possibleTypes = Object.fromEntries(types.map((type) => [type.name, type.possibleTypes.map((one) => one.name)]));
  buildClientSchema(schema);
});
after(() => server.stop());

/** A client that answers from its cache what it can. */
const CLIENTS = {
  "Apollo Client": () => {
    const link = new HttpLink({ uri: server.url, headers: server.headers });
    const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes }) });
    return {
      query: async (query, variables) => (await client.query({ query: parse(query), variables })).data,
      cached: (query, variables) => client.readQuery({ query: parse(query), variables }),
      mutate: async (query, variables) => (await client.mutate({ mutation: parse(query), variables })).data,
    };
  },
  "urql's Graphcache": () => {
    const client = new Client({
      url: server.url,
      fetchOptions: { headers: server.headers },
      exchanges: [cacheExchange({ schema }), fetchExchange],
      preferGetMethod: true,
    });
    const data = ({ data, error }) => {
      if (error) throw error;
      return data;
    };
    return {
      query: async (query, variables) => data(await client.query(query, variables).toPromise()),
      cached: (query, variables) => client.readQuery(query, variables, { requestPolicy: "cache-only" })?.data ?? null,
      mutate: async (query, variables) => data(await client.mutation(query, variables).toPromise()),
    };
  },
};

/** Without the type names that clients add. */
const plain = (value) =>
  JSON.parse(JSON.stringify(value, (name, inner) => (name === "__typename" ? undefined : inner)));

for (const [name, create] of Object.entries(CLIENTS)) {
  describe(name, () => {
    /** What the client shows of a query, from the network and then from its cache, is what the server says. */
    async function shows(client, query, variables) {
      const said = await server.ask(query, variables);
      assert.deepEqual(plain(await client.query(query, variables)), said);
      assert.deepEqual(plain(client.cached(query, variables)), said);
      return said;
    }

    test("the history of a conversation is shown entry by entry", { timeout: PATIENCE }, async () => {
      const receive = `mutation {
        receiveMessage(input: { channel: SMS, from: "+447400${name.length}00001", body: "hi" }) { customerId conversationId }
      }`;
      const { customerId, conversationId } = (await server.ask(receive)).receiveMessage;
      const update = `mutation ($customerId: ID!, $conversationId: ID!, $changes: ConversationPatch!) {
        updateConversation(customerId: $customerId, conversationId: $conversationId, changes: $changes) {
          conversation { id } refusal { message }
        }
      }`;
      for (const changes of [{ assignee: "lee" }, { state: "PENDING" }, { state: "OPEN", assignee: "kim" }]) {
        await server.ask(update, { customerId, conversationId, changes });
      }
      const query = `query ($customerId: ID!) {
        conversations(filter: { customerId: $customerId }) { nodes { id state assignee } }
        timeline(customerId: $customerId) {
          nodes { id position kind message { messageId state details { id state body } } conversation { conversationId state assignee } }
        }
      }`;
      const said = await shows(create(), query, { customerId });
      const states = said.timeline.nodes.flatMap((entry) => entry.conversation?.state ?? []);
      assert.deepEqual(states, ["OPEN", "PENDING", "OPEN"]);
    });

    test("an address that two customers share has each one's label", { timeout: PATIENCE }, async () => {
      const address = { kind: "EMAIL", address: `shared${name.length}@example.org` };
      const ids = [
        await server.register("Ann", [{ ...address, label: "home" }]),
        await server.register("Ben", [{ ...address, label: "office" }]),
      ];
      const query = `query ($a: ID!, $b: ID!) {
        a: customer(id: $a) { id addresses { id addressId label primary suppressions { reason } } }
        b: customer(id: $b) { id addresses { id addressId label primary suppressions { reason } } }
      }`;
      const said = await shows(create(), query, { a: ids[0], b: ids[1] });
      assert.deepEqual([said.a.addresses[0].label, said.b.addresses[0].label], ["home", "office"]);
      assert.equal(said.a.addresses[0].addressId, said.b.addresses[0].addressId);
    });

    test("a customer of now and one as of a moment stand side by side", { timeout: PATIENCE }, async () => {
      const id = await server.register("Cay");
      const { position } = await server.note(id, "first");
      await server.note(id, "second");
      const rename = `mutation ($id: ID!) {
        changeCustomer(customerId: $id, changes: { name: "Kay" }) { customer { id } refusal { message } }
      }`;
      await server.ask(rename, { id });
      const query = `query ($id: ID!, $position: Position!) {
        now: customer(id: $id) { id name timeline { nodes { id kind note { text } } } }
        before: customer(id: $id, asOf: { position: $position }) { id name timeline { nodes { id kind note { text } } } }
      }`;
      const said = await shows(create(), query, { id, position });
      assert.deepEqual([said.now.name, said.before.name], ["Kay", "Cay"]);
      assert.equal(said.now.timeline.nodes.length, said.before.timeline.nodes.length + 1);
    });

    test("a mutation changes what the cache shows, without another question", { timeout: PATIENCE }, async () => {
      const client = create();
      const id = await server.register("Dee", [{ kind: "EMAIL", address: `dee${name.length}@example.org` }]);
      const { entry } = await server.note(id, "pin me");
      const query = `query ($id: ID!) {
        customer(id: $id) {
          id name addresses { id label } consents { topic state }
          timeline(filter: { kinds: [NOTE] }) { nodes { id note { noteId text pinned } } }
        }
      }`;
      const { customer } = await shows(client, query, { id });
      const change = `mutation ($id: ID!, $name: String, $owner: String) {
        changeCustomer(customerId: $id, changes: { name: $name, owner: $owner }) { customer { id name } }
      }`;
      await client.mutate(change, { id, name: "Dee Two" });
      const add = `mutation ($id: ID!, $address: AddressInput!) {
        addAddress(customerId: $id, address: $address) { address { id label } customer { id addresses { id label } } }
      }`;
      await client.mutate(add, { id, address: { kind: "PHONE", address: "+442071838750", label: "desk" } });
      const consent = `mutation ($id: ID!) {
        setConsent(input: { customerId: $id, channel: EMAIL, topic: "news", state: OPTED_IN, method: "form" }) {
          customer { id consents { topic state } }
        }
      }`;
      await client.mutate(consent, { id });
      const pin = `mutation ($id: ID!, $note: ID!) {
        pinNote(customerId: $id, noteId: $note, pinned: true) { entry { id note { noteId text pinned } } }
      }`;
      await client.mutate(pin, { id, note: customer.timeline.nodes[0].note.noteId });
      assert.equal(customer.timeline.nodes[0].id, entry.id);
      const shown = plain(client.cached(query, { id }));
      assert.deepEqual(shown, await server.ask(query, { id }));
      assert.equal(shown.customer.name, "Dee Two");
      assert.equal(shown.customer.timeline.nodes[0].note.pinned, true);
    });
  });
}
