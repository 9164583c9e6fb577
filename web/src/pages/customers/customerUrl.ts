import type { Enum, VariablesOf } from "../../api/graphql";
import { CHANNELS } from "../../components/Status";
import { flag, oneOf, optional, someOf, urlState } from "../../url/urlState";
import type { TimelineQuery } from "./timeline/TimelineQuery";

export const KINDS = [
  "MESSAGE",
  "NOTE",
  "ORDER",
  "INVOICE",
  "PAYMENT",
  "SHIPMENT",
  "APPOINTMENT",
  "CUSTOM",
  "CONSENT",
  "CONVERSATION",
  "REGISTERED",
] as const satisfies readonly Enum<"TimelineKind">[];

export const customerUrl = urlState({
  /** What is shown where only one fits. */
  part: oneOf(["timeline", "card"], "timeline"),
  kinds: someOf(KINDS),
  channels: someOf(CHANNELS),
  pinned: flag(),
  /** The day that the timeline begins with, such as 2026-05-31. */
  at: optional(),
  /** The moment in the past as of which everything is shown, such as 2026-05-31T10:00:00.000Z. */
  asOf: optional(),
});

export type CustomerState = ReturnType<typeof customerUrl.parse>;

export function timelineFilterOf(state: CustomerState): VariablesOf<typeof TimelineQuery>["filter"] {
  return {
    kinds: state.kinds.length > 0 ? state.kinds : undefined,
    channels: state.channels.length > 0 ? state.channels : undefined,
    pinned: state.pinned || undefined,
  };
}

/** The last moment of a day on the person's clock; undefined for what is no day. */
export function endOfDay(day: string | undefined): string | undefined {
  const at = new Date(`${day}T23:59:59.999`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** What the API is asked for; undefined for the present, and for what is no moment. */
export function asOfInput(asOf: string | undefined): { time: string } | undefined {
  const at = new Date(asOf ?? "");
  return Number.isNaN(at.getTime()) ? undefined : { time: at.toISOString() };
}
