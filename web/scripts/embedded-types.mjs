// Writes the names of the types that are no `Node`: the cache keeps them inside the object that holds them. Some of them
// have an `id` (an author's, a rule's) that names something else than an object of the API.
import { readFile, writeFile } from "node:fs/promises";
import { buildSchema, isObjectType } from "graphql";

const schema = buildSchema(await readFile(new URL("../../schema.graphql", import.meta.url), "utf8"));
const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
const names = Object.values(schema.getTypeMap())
  .filter((type) => isObjectType(type) && !type.name.startsWith("__") && !roots.has(type))
  .filter((type) => !type.getInterfaces().some((one) => one.name === "Node"))
  .map((type) => type.name)
  .sort();
const source = `export const EMBEDDED = ${JSON.stringify(names.join(" "))}.split(" ");\n`;
await writeFile(new URL("../src/api/embedded.gen.ts", import.meta.url), source);
