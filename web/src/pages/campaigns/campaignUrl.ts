import type { Enum } from "../../api/graphql";
import { CHANNELS } from "../../components/Status";
import { flag, oneOf, optional, optionalOneOf, text, urlState } from "../../url/urlState";

export const TABS = ["overview", "results", "comparison", "recipients", "plan"] as const;
export type TabName = (typeof TABS)[number];

export const OUTCOMES = [
  "SENT",
  "DELIVERED",
  "OPENED",
  "CLICKED",
  "REPLIED",
  "CONVERTED",
  "QUEUED",
  "HELD",
  "SUPPRESSED",
  "IN_DOUBT",
  "BOUNCED",
  "FAILED",
  "COMPLAINED",
  "OPTED_OUT",
  "CANCELLED",
] as const satisfies readonly Enum<"CampaignOutcome">[];

export const BREAKDOWNS = ["variant", "hour", "link", "domain", "list"] as const;

export const METRICS = [
  "CLICKED",
  "OPENED",
  "REPLIED",
  "ORDERED",
  "ACTIVITY",
] as const satisfies readonly Enum<"CampaignMetric">[];

export const TOUCHES = ["SENT", "OPENED", "CLICKED"] as const satisfies readonly Enum<"CampaignTouch">[];

export const campaignUrl = urlState({
  tab: oneOf(TABS, "overview"),
  by: oneOf(BREAKDOWNS, "variant"),
  touch: oneOf(TOUCHES, "SENT"),
  metric: oneOf(METRICS, "CLICKED"),
  activity: text("visit"),
  days: text("14"),
  outcome: oneOf(OUTCOMES, "SENT"),
  /** Those who were left out, in place of an outcome. */
  leftOut: flag(),
  reason: optional(),
  /** Of one variant, on one channel. */
  variant: optional(),
  channel: optionalOneOf(CHANNELS),
});

export type CampaignUrl = ReturnType<typeof campaignUrl.parse>;
