import { t } from "../../../texts";
import { number } from "../../../texts/format";
import { CHOICES, type FieldSpec, fieldsOf } from "./kinds";
import { isEmptyValue, type Json, type Part, type Rule } from "./tree";

/** What a criterion asks for, in a few words: "No order for: 30 days". */
export function ruleWords(rule: Rule): string {
  const given = fieldsOf(rule.kind, rule.values).flatMap((field) => {
    const value = rule.values[field.name];
    return value === undefined || isEmptyValue(value) || value === false ? [] : [fieldWords(field, value)];
  });
  const isBare = rule.kind === "hasEmail" || rule.kind === "hasPhone";
  const kind = t(`lists.kindOf.${rule.kind}`);
  if (isBare) return rule.values.is === true ? kind : t("lists.notThat", { words: kind });
  return `${kind}: ${given.join(" · ")}`;
}

function fieldWords({ name, input }: FieldSpec, value: Json): string {
  if (input.type === "choice") return choiceName(input.of, String(value));
  if (input.type === "flag") return t(`lists.field.${name}`);
  if (input.type === "yesNo") return t(value === true ? "lists.yes" : "lists.no");
  if (Array.isArray(value)) return name === "in" ? value.join(", ") : `${t(`lists.field.${name}`)} ${value.join(", ")}`;
  if (typeof value === "number") return `${t(`lists.field.${name}`)} ${number(value)}`;
  return input.type === "amount" ? `${t(`lists.field.${name}`)} ${value}` : String(value);
}

export function choiceName(of: keyof typeof CHOICES, value: string): string {
  const known = CHOICES[of].find((one) => one === value);
  return known ? t(`lists.choice.${known}`) : value;
}

/** The rules of a tree, for words about it. */
export const rulesOf = (part: Part): Rule[] => (part.type === "rule" ? [part] : part.parts.flatMap(rulesOf));
