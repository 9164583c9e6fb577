import type { Enum } from "../../../api/graphql";

// What each criterion asks for. The builder, the words of a criterion and its JSON are all made from this table.

export const CHANNEL_NAMES = ["email", "sms", "whatsapp", "voice", "push", "in_app"] as const;
const STATES = ["opted_in", "opted_out", "pending", "none"] as const;
const DIRECTIONS = ["inbound", "outbound"] as const;
const ACTIONS = ["opened", "clicked", "replied", "sent", "delivered"] as const;
const ACTIVITIES = ["order", "invoice", "payment", "shipment", "appointment", "custom"] as const;
export const TESTS = ["equals", "in", "contains", "range", "exists"] as const;

/** Choices are written in small letters in JSON and in capitals in GraphQL. */
export const CHOICES = {
  channel: CHANNEL_NAMES,
  consent: STATES,
  direction: DIRECTIONS,
  action: ACTIONS,
  activity: ACTIVITIES,
  test: TESTS,
} as const satisfies {
  channel: readonly Lowercase<Enum<"Channel">>[];
  consent: readonly Lowercase<Enum<"ConsentState">>[];
  direction: readonly Lowercase<Enum<"Direction">>[];
  action: readonly Lowercase<Enum<"EngagementAction">>[];
  activity: readonly Lowercase<Enum<"ActivityKind">>[];
  test: readonly string[];
};
export type ChoiceName = keyof typeof CHOICES;

export type Input =
  | { type: "text"; placeholder?: string }
  | { type: "texts" }
  | { type: "whole"; min?: number; max?: number }
  | { type: "number" }
  | { type: "amount" }
  | { type: "choice"; of: ChoiceName }
  | { type: "yesNo" }
  | { type: "flag" }
  | { type: "list" }
  | { type: "campaign" };

export interface FieldSpec {
  name: FieldName;
  input: Input;
  isOptional?: true;
}

export type FieldName =
  | "allOf"
  | "anyOf"
  | "atLeast"
  | "atMost"
  | "campaignId"
  | "channel"
  | "contains"
  | "currency"
  | "days"
  | "daysAfter"
  | "daysBefore"
  | "direction"
  | "equals"
  | "exists"
  | "from"
  | "in"
  | "is"
  | "kind"
  | "listId"
  | "max"
  | "min"
  | "minRevenue"
  | "name"
  | "noneOf"
  | "of"
  | "orderedBefore"
  | "salt"
  | "skuId"
  | "state"
  | "territory"
  | "test"
  | "to"
  | "topic"
  | "withinDays";

const text = (name: FieldName, placeholder?: string): FieldSpec => ({ name, input: { type: "text", placeholder } });
const texts = (name: FieldName): FieldSpec => ({ name, input: { type: "texts" } });
const whole = (name: FieldName, min?: number, max?: number): FieldSpec => ({
  name,
  input: { type: "whole", min, max },
});
const amount = (name: FieldName): FieldSpec => ({ name, input: { type: "amount" } });
const choice = (name: FieldName, of: ChoiceName): FieldSpec => ({ name, input: { type: "choice", of } });
const optional = (field: FieldSpec): FieldSpec => ({ ...field, isOptional: true });

const LONGEST_DAYS = 3_650;
const within = optional(whole("withinDays", 1, LONGEST_DAYS));
const atLeast = optional(whole("atLeast", 0));
const atMost = optional(whole("atMost", 0));
const currency = optional(text("currency", "EUR"));
const is: FieldSpec = { name: "is", input: { type: "yesNo" } };

export const KINDS = {
  allInTerritory: [text("territory")],
  industry: [texts("in")],
  tags: [optional(texts("anyOf")), optional(texts("allOf")), optional(texts("noneOf"))],
  leadScore: [optional(whole("min")), optional(whole("max"))],
  hasEmail: [is],
  hasPhone: [is],
  field: [text("name"), choice("test", "test")],
  custom: [text("name"), texts("in")],
  anniversary: [text("of", "registered"), optional(whole("daysBefore", 0, 60)), optional(whole("daysAfter", 0, 60))],
  noOrderInDays: [whole("days", 1, LONGEST_DAYS), optional({ name: "orderedBefore", input: { type: "flag" } })],
  orderedProduct: [text("skuId"), within],
  orders: [atLeast, atMost, within],
  highValue: [amount("minRevenue"), currency],
  revenue: [optional(amount("min")), optional(amount("max")), currency, within],
  activity: [choice("kind", "activity"), optional(text("name")), atLeast, atMost, within],
  consent: [choice("channel", "channel"), choice("state", "consent"), optional(text("topic"))],
  contact: [choice("direction", "direction"), optional(choice("channel", "channel")), within],
  engagement: [
    choice("kind", "action"),
    atLeast,
    atMost,
    optional(choice("channel", "channel")),
    optional({ name: "campaignId", input: { type: "campaign" } }),
    within,
  ],
  memberOf: [{ name: "listId", input: { type: "list" } }],
  bucket: [whole("from", 0, 99), whole("to", 1, 100), optional(text("salt"))],
} as const satisfies Record<string, readonly FieldSpec[]>;

export type RuleKind = keyof typeof KINDS;

/** The kinds as people look for them. */
export const KIND_GROUPS = [
  {
    name: "person",
    kinds: [
      "allInTerritory",
      "industry",
      "tags",
      "leadScore",
      "hasEmail",
      "hasPhone",
      "field",
      "custom",
      "anniversary",
    ],
  },
  { name: "business", kinds: ["noOrderInDays", "orderedProduct", "orders", "highValue", "revenue", "activity"] },
  { name: "contact", kinds: ["consent", "contact", "engagement"] },
  { name: "other", kinds: ["memberOf", "bucket"] },
] as const satisfies readonly { name: string; kinds: readonly RuleKind[] }[];

/** What a field of the customer is tested for. */
const FIELD_TESTS: Record<(typeof TESTS)[number], readonly FieldSpec[]> = {
  equals: [text("equals")],
  in: [texts("in")],
  contains: [text("contains")],
  range: [optional({ name: "min", input: { type: "number" } }), optional({ name: "max", input: { type: "number" } })],
  exists: [{ name: "exists", input: { type: "yesNo" } }],
};

/** The fields of a criterion; what a field of the customer is tested for adds its own. */
export function fieldsOf(kind: RuleKind, values: Readonly<Record<string, unknown>>): readonly FieldSpec[] {
  if (kind !== "field") return KINDS[kind];
  const test = TESTS.find((one) => one === values.test) ?? "equals";
  return [...KINDS.field, ...FIELD_TESTS[test]];
}

export const isKind = (name: string): name is RuleKind => Object.hasOwn(KINDS, name);
