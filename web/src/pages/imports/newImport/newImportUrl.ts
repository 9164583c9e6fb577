import type { Enum, VariablesOf } from "../../../api/graphql";
import { flag, oneOf, optional, optionalOneOf, urlState, words } from "../../../url/urlState";
import type { PreviewQuery } from "./documents";

export const KINDS = ["CUSTOMERS", "ORDERS", "MESSAGES"] as const satisfies readonly Enum<"ImportKind">[];
const CHANNELS = ["EMAIL", "SMS", "WHATSAPP", "VOICE", "PUSH", "IN_APP"] as const satisfies readonly Enum<"Channel">[];

/** The file, what was said about it, and the run: a reload shows the same. */
export const newImportUrl = urlState({
  kind: oneOf(KINDS, "CUSTOMERS"),
  file: optional(),
  /** `column=field`, once for each column that is read as something else than its name says. */
  columns: words(),
  /** `EMAIL=OPTED_OUT`: what everybody in the file said. */
  consents: words(),
  region: optional(),
  currency: optional(),
  zone: optional(),
  times: optional(),
  decimal: optionalOneOf(["POINT", "COMMA"]),
  channel: optionalOneOf(CHANNELS),
  rule: oneOf(["IF_BLANK", "NEVER", "OVERWRITE"], "IF_BLANK"),
  number: optional(),
  anonymous: flag(),
  run: optional(),
});

export type NewImportState = ReturnType<typeof newImportUrl.parse>;
export type ImportInput = VariablesOf<typeof PreviewQuery>["input"];

/** The pairs of a list of `name=value`; a column's name may hold the sign, a field's cannot. */
export function pairs(list: readonly string[]): [string, string][] {
  return list.flatMap((entry) => {
    const at = entry.lastIndexOf("=");
    return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)] as [string, string]] : [];
  });
}

/** The list with a pair instead of the one of that name, or without it. */
export function withPair(list: readonly string[], name: string, value: string | undefined): string[] {
  const others = pairs(list).filter(([other]) => other !== name);
  const all = value === undefined ? others : [...others, [name, value] as const];
  return all.map(([left, right]) => `${left}=${right}`);
}

const isConsent = (state: string): state is Enum<"ConsentState"> => state === "OPTED_IN" || state === "OPTED_OUT";
const isChannel = (channel: string): channel is (typeof CHANNELS)[number] =>
  (CHANNELS as readonly string[]).includes(channel);

/** What the API is asked for. */
export function inputOf(state: NewImportState, fileId: string): ImportInput {
  return {
    fileId,
    kind: state.kind,
    mappings: pairs(state.columns).map(([column, field]) => ({ column, field })),
    consents: pairs(state.consents).flatMap(([channel, said]) =>
      isChannel(channel) && isConsent(said) ? [{ channel, state: said }] : [],
    ),
    region: state.region,
    currency: state.currency,
    timeZone: state.zone,
    timeFormat: state.times,
    decimal: state.decimal,
    channel: state.channel,
    collisions: state.rule === "IF_BLANK" ? [] : [{ rule: state.rule }],
    numberRows: state.number,
    anonymous: state.anonymous,
  };
}
