// What graphql-js makes of the schema: its text and its introspection.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import {
  buildClientSchema, buildSchema, getIntrospectionQuery, isSpecifiedScalarType, lexicographicSortSchema, printSchema,
  validateSchema,
} from "graphql";
import { PATIENCE, Server } from "./server.mjs";

let server, written, served;
before(async () => {
  server = await Server.start();
  written = buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
  served = buildClientSchema(await server.ask(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, oneOf: true })));
});
after(() => server.stop());

test("the schema is valid, and its text is what the server serves", { timeout: PATIENCE }, () => {
  for (const schema of [written, served]) assert.deepEqual(validateSchema(schema), []);
  const text = (schema) => printSchema(lexicographicSortSchema(schema));
  assert.equal(text(served), text(written));
});

test("every type, field and enum value has a description", () => {
  const silent = [];
  for (const type of Object.values(served.getTypeMap())) {
    if (type.name.startsWith("__") || isSpecifiedScalarType(type)) continue;
    if (!type.description) silent.push(type.name);
    for (const field of Object.values(type.getFields?.() ?? {})) {
      if (!field.description) silent.push(`${type.name}.${field.name}`);
    }
    for (const value of type.getValues?.() ?? []) if (!value.description) silent.push(`${type.name}.${value.name}`);
  }
  assert.deepEqual(silent, []);
});

test("no default is an object, which older code generators cannot read", { timeout: PATIENCE }, async () => {
  const { __schema } = await server.ask(getIntrospectionQuery({ descriptions: false }));
  const inputs = __schema.types.flatMap((type) => [
    ...(type.inputFields ?? []).map((field) => [`${type.name}.${field.name}`, field]),
    ...(type.fields ?? []).flatMap((field) => field.args.map((argument) => [`${type.name}.${field.name}.${argument.name}`, argument])),
  ]);
  assert.deepEqual(inputs.filter(([, input]) => input.defaultValue?.includes("{")).map(([name]) => name), []);
});
