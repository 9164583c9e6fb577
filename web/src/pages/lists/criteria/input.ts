import type { VariablesOf } from "../../../api/graphql";
import { type FieldSpec, fieldsOf } from "./kinds";
import type { PreviewQuery } from "./PreviewQuery";
import { type Group, isEmptyValue, type Json, type JsonObject, type Part, toJson } from "./tree";

export type CriteriaInput = VariablesOf<typeof PreviewQuery>["criteria"];

/** The criteria as GraphQL takes them: as in JSON, but choices are names in capitals. */
export function toInput(group: Group): CriteriaInput {
  // The table of kinds follows the schema's input, which the compiler cannot see from here.
  return inputOf(group) as CriteriaInput;
}

function inputOf(part: Part): JsonObject {
  const input = part.type === "group" ? { [part.join]: part.parts.map(inputOf) } : ruleInput(part);
  return part.isNegated ? { not: input } : input;
}

function ruleInput(rule: Part & { type: "rule" }): JsonObject {
  const json = toJson({ ...rule, isNegated: false });
  const body = json[rule.kind];
  if (typeof body !== "object" || body === null || Array.isArray(body) || rule.kind === "custom") return json;
  const fields = fieldsOf(rule.kind, rule.values);
  const capitals = Object.entries(body).map(([name, value]): [string, Json] => {
    const field = fields.find((one) => one.name === name);
    return [name, field && isChoice(field) && !isEmptyValue(value) ? String(value).toUpperCase() : value];
  });
  return { [rule.kind]: Object.fromEntries(capitals) };
}

const isChoice = (field: FieldSpec): boolean => field.input.type === "choice";
