import type { Enum } from "../../../api/graphql";
import { CHANNELS } from "../../../components/Status";
import { oneOf, someOf, urlState } from "../../../url/urlState";
import { messagesUrl, type State } from "../messages/messagesUrl";

/** What is counted, in the order of a message's life. */
export const MEASURES = [
  "sent",
  "delivered",
  "opened",
  "clicked",
  "received",
  "bounced",
  "failed",
  "complained",
  "optedOut",
  "held",
  "suppressed",
] as const;
export type Measure = (typeof MEASURES)[number];

export const RANGES = ["day", "week", "month", "quarter", "year"] as const;
export type Range = (typeof RANGES)[number];

export const STEPS: Record<Range, Enum<"TrafficStep">> = {
  day: "HOUR",
  week: "DAY",
  month: "DAY",
  quarter: "DAY",
  year: "WEEK",
};

export const trafficUrl = urlState({
  range: oneOf(RANGES, "month"),
  measure: oneOf(MEASURES, "sent"),
  channels: someOf(CHANNELS),
});

/** The states in which a message may be once a measure has counted it. */
const STATES: Record<Measure, State[]> = {
  sent: ["SENT", "DEFERRED", "DELIVERED", "OPENED", "CLICKED", "REPLIED", "BOUNCED", "COMPLAINED", "OPTED_OUT"],
  delivered: ["DELIVERED", "OPENED", "CLICKED", "REPLIED", "COMPLAINED", "OPTED_OUT"],
  opened: ["OPENED", "CLICKED", "REPLIED"],
  clicked: ["CLICKED", "REPLIED"],
  received: ["RECEIVED"],
  bounced: ["BOUNCED"],
  failed: ["FAILED"],
  complained: ["COMPLAINED"],
  optedOut: ["OPTED_OUT"],
  held: ["HELD"],
  suppressed: ["SUPPRESSED"],
};

/** The messages behind a figure. */
export const messagesOf = (
  measure: Measure,
  channels: ReturnType<typeof trafficUrl.parse>["channels"],
  since: Date,
  until: Date,
) =>
  messagesUrl.params({
    states: STATES[measure],
    channels,
    since: since.toISOString(),
    until: until.toISOString(),
  });
