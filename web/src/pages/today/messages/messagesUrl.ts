import type { Enum, VariablesOf } from "../../../api/graphql";
import { CHANNELS } from "../../../components/Status";
import { optional, optionalOneOf, someOf, urlState } from "../../../url/urlState";
import type { MessagesQuery } from "./MessagesQuery";

export const STATES = [
  "QUEUED",
  "HELD",
  "SUPPRESSED",
  "CANCELLED",
  "DISPATCHING",
  "IN_DOUBT",
  "SENT",
  "DEFERRED",
  "DELIVERED",
  "OPENED",
  "CLICKED",
  "REPLIED",
  "BOUNCED",
  "FAILED",
  "COMPLAINED",
  "OPTED_OUT",
  "RECEIVED",
] as const satisfies readonly Enum<"MessageState">[];

export type State = (typeof STATES)[number];

export const messagesUrl = urlState({
  states: someOf(STATES),
  channels: someOf(CHANNELS),
  direction: optionalOneOf(["INBOUND", "OUTBOUND"]),
  provider: optional(),
  account: optional(),
  campaign: optional(),
  reason: optional(),
  /** Moments or days of the person's clock. The last day is included. */
  since: optional(),
  until: optional(),
});

export type MessagesState = ReturnType<typeof messagesUrl.parse>;

const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text);

/** A moment of the URL: a day begins at midnight, and ends at the next one. */
export function momentOf(text: string | undefined, end: "begins" | "ends"): string | undefined {
  if (!text) return undefined;
  const at = new Date(isDay(text) ? `${text}T00:00:00` : text);
  if (Number.isNaN(at.getTime())) return undefined;
  if (isDay(text) && end === "ends") at.setDate(at.getDate() + 1);
  return at.toISOString();
}

export type MessagesFilter = NonNullable<VariablesOf<typeof MessagesQuery>["filter"]>;

/** What the API is asked for. */
export function filterOf(state: MessagesState): MessagesFilter {
  const filter: MessagesFilter = {
    states: state.states.length > 0 ? state.states : undefined,
    channels: state.channels.length > 0 ? state.channels : undefined,
    direction: state.direction,
    provider: state.provider,
    account: state.account,
    campaignId: state.campaign,
    reason: state.reason,
    createdSince: momentOf(state.since, "begins"),
    createdUntil: momentOf(state.until, "ends"),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
