import { type FieldName, fieldsOf, isKind, type RuleKind, TESTS } from "./kinds";

// Criteria as the builder edits them: a tree of groups and rules, each with an id of its own, and its JSON.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };
export type Values = { [Name in FieldName]?: Json };

export interface Rule {
  type: "rule";
  id: string;
  kind: RuleKind;
  isNegated: boolean;
  values: Values;
}

export interface Group {
  type: "group";
  id: string;
  join: "all" | "any";
  isNegated: boolean;
  parts: Part[];
}

export type Part = Rule | Group;

let lastId = 0;
const newId = () => `part-${++lastId}`;

export const newGroup = (parts: Part[] = [], join: Group["join"] = "all"): Group => ({
  type: "group",
  id: newId(),
  join,
  isNegated: false,
  parts,
});

export const newRule = (kind: RuleKind, values: Values = startOf(kind), isNegated = false): Rule => ({
  type: "rule",
  id: newId(),
  kind,
  isNegated,
  values,
});

/** Choices begin with their first value, so that a new row asks for as little as possible. */
function startOf(kind: RuleKind): Values {
  if (kind === "hasEmail" || kind === "hasPhone") return { is: true };
  if (kind === "field") return { test: "equals" };
  if (kind === "consent") return { channel: "email", state: "opted_in" };
  if (kind === "contact") return { direction: "inbound" };
  if (kind === "engagement") return { kind: "opened", atLeast: 1 };
  if (kind === "activity") return { kind: "order", atLeast: 1 };
  if (kind === "orders") return { atLeast: 1 };
  return {};
}

export const isEmptyValue = (value: Json | undefined): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);

/** A field that has to be filled in before the criteria mean anything. */
export interface Gap {
  id: string;
  name: FieldName;
}

export function gapsOf(part: Part): Gap[] {
  if (part.type === "group") return part.parts.flatMap(gapsOf);
  return fieldsOf(part.kind, part.values)
    .filter((field) => !field.isOptional && isEmptyValue(part.values[field.name]))
    .map((field) => ({ id: part.id, name: field.name }));
}

export const ruleCount = (part: Part): number =>
  part.type === "rule" ? 1 : part.parts.reduce((sum, one) => sum + ruleCount(one), 0);

/** The criteria as JSON, as the command line and the API's answers have them. */
export function toJson(part: Part): JsonObject {
  const json: JsonObject =
    part.type === "group" ? { [part.join]: part.parts.map(toJson) } : { [part.kind]: bodyOf(part) };
  return part.isNegated ? { not: json } : json;
}

function bodyOf({ kind, values }: Rule): Json {
  if (kind === "hasEmail" || kind === "hasPhone") return values.is === true;
  if (kind === "custom") {
    const wanted = Array.isArray(values.in) ? values.in : [];
    const [only] = wanted;
    return { [String(values.name ?? "")]: wanted.length === 1 && only !== undefined ? only : wanted };
  }
  const names = fieldsOf(kind, values).map((field) => field.name);
  const given = names.flatMap((name): [string, Json][] => {
    const value = values[name];
    return name === "test" || value === undefined || isEmptyValue(value) ? [] : [[name, value]];
  });
  return Object.fromEntries(given);
}

/** JSON that is no criteria; `path` is where. */
export class NotCriteria extends Error {
  constructor(
    readonly path: string,
    readonly found: string,
  ) {
    super(`${path}: ${found}`);
  }
}

/** Reads criteria; the root is always a group. */
export function fromJson(json: unknown): Group {
  const part = read(json, "criteria", false);
  return part.type === "group" ? part : newGroup([part]);
}

function read(json: unknown, path: string, isNegated: boolean): Part {
  const entries = isObject(json) ? Object.entries(json) : [];
  const [entry] = entries;
  if (!entry || entries.length !== 1) throw new NotCriteria(path, "");
  const [key, body] = [camel(entry[0]), entry[1]];
  const here = `${path}.${key}`;
  if (key === "not") return read(body, here, !isNegated);
  if (key === "all" || key === "any") {
    if (!Array.isArray(body)) throw new NotCriteria(here, "");
    const group = newGroup(
      body.map((one, index) => read(one, `${here}[${index}]`, false)),
      key,
    );
    return { ...group, isNegated };
  }
  if (!isKind(key)) throw new NotCriteria(path, entry[0]);
  return readRule(key, body, here, isNegated);
}

function readRule(kind: RuleKind, body: Json | undefined, path: string, isNegated: boolean): Part {
  if (kind === "hasEmail" || kind === "hasPhone") return newRule(kind, { is: body === true }, isNegated);
  if (!isObject(body)) throw new NotCriteria(path, "");
  if (kind === "custom") {
    const rules = Object.entries(body).map(([name, value]) =>
      newRule("custom", { name, in: Array.isArray(value) ? value : [value] }),
    );
    const [only] = rules;
    // Several fields in one criterion are the same as one criterion for each.
    return rules.length === 1 && only ? { ...only, isNegated } : { ...newGroup(rules), isNegated };
  }
  const values: Values = {};
  if (kind === "field") values.test = testOf(body);
  const known = fieldsOf(kind, values).map((field) => field.name);
  for (const [key, value] of Object.entries(body)) {
    const name = known.find((one) => one === camel(key));
    if (!name) throw new NotCriteria(path, key);
    values[name] = value;
  }
  return newRule(kind, values, isNegated);
}

function testOf(body: JsonObject): string {
  if ("min" in body || "max" in body) return "range";
  return TESTS.find((test) => test in body) ?? "equals";
}

const isObject = (json: unknown): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** The command line takes `no_order_in_days` too. */
const camel = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The tree with one part changed, or removed where `change` gives nothing. */
export function changePart(group: Group, id: string, change: (part: Part) => Part | undefined): Group {
  if (group.id === id) {
    const changed = change(group);
    return changed?.type === "group" ? changed : group;
  }
  const parts = group.parts.flatMap((part) => {
    if (part.id === id) return change(part) ?? [];
    return part.type === "group" ? changePart(part, id, change) : part;
  });
  return { ...group, parts };
}
