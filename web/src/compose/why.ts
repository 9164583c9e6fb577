import type { Enum } from "../api/graphql";
import { CHANNELS } from "../components/Status";
import { t } from "../texts";
import { date, dateTime, list, preferredHours } from "../texts/format";

// Why a message is in its state, in words. The server gives the rule and what it looked at; newer servers may have rules
// that are not known here: these are named, and their inputs stand below.

export interface Why {
  state: Enum<"ReasonState">;
  reason: string | null;
  inputs: unknown;
  class: string | null;
  code: string | null;
  detail: string | null;
  until: string | null;
}

export function explain(why: Why): string {
  return [sentence(why), until(why)].filter(Boolean).join(" ");
}

function sentence(why: Why): string {
  const words = [why.code, why.detail ?? why.reason ?? why.class].filter(Boolean).join(", ") || t("why.noWords");
  switch (why.state) {
    case "HELD":
    case "SUPPRESSED":
      return ruleSentence(why.reason ?? "", new Inputs(why.inputs));
    case "REFUSED":
      return t("why.refused", { words });
    case "FAILED":
      return t("why.failed", { words });
    case "DEFERRED":
      return t("why.deferred", { words });
    case "BOUNCED":
      return t(why.class === "hard" ? "why.bounced.hard" : "why.bounced.soft", { words });
    case "COMPLAINED":
      return t("why.complained", { words });
    case "CANCELLED":
      return t("why.cancelled", { words });
    case "IN_DOUBT":
      if (why.reason === "timeout" || why.reason === "crash") return t(`why.in_doubt.${why.reason}`);
      return t("why.in_doubt.other", { words });
  }
}

function until({ state, reason, until }: Why): string {
  if (!until || reason === "scheduled") return "";
  return t(state === "HELD" ? "why.until" : "why.again", { time: dateTime(until) });
}

/** What a rule looked at: JSON that is read with care. */
export class Inputs {
  private readonly fields: Record<string, unknown>;

  constructor(inputs: unknown) {
    this.fields = typeof inputs === "object" && inputs !== null ? { ...inputs } : {};
  }

  value(name: string): unknown {
    return this.fields[name];
  }

  text(name: string): string {
    const value = this.fields[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  }

  time(name: string): string {
    const text = this.text(name);
    return text ? dateTime(text) : "";
  }
}

function ruleSentence(rule: string, inputs: Inputs): string {
  const zone = inputs.text("zone");
  switch (rule) {
    case "erased":
    case "unknown_address":
      return t(`why.${rule}`);
    case "suppressed_address":
      return t("why.suppressed_address", { reasons: suppressionsOf(inputs.value("reasons")) });
    case "invalid_address":
      return t("why.invalid_address", { time: inputs.time("checked_at") });
    case "consent":
      return consentSentence(inputs);
    case "whatsapp_window":
      return inputs.text("closed_at")
        ? t("why.whatsapp_window.closed", { time: inputs.time("closed_at") })
        : t("why.whatsapp_window.never");
    case "frequency_cap":
      return t("why.frequency_cap", {
        limit: inputs.text("limit"),
        counted: inputs.text("counted"),
        window: windowOf(inputs.value("window")),
      });
    case "quiet_hours":
      return t("why.quiet_hours", {
        time: inputs.time("local_time"),
        from: inputs.text("from").slice(0, 5),
        to: inputs.text("to").slice(0, 5),
        zone,
      });
    case "blackout":
    case "weekday":
      // Noon, so that no zone makes another day of it.
      return t(`why.${rule}`, { date: date(`${inputs.text("date")}T12:00:00`), zone });
    case "preferred_hours":
      return t("why.preferred_hours", {
        time: inputs.time("local_time"),
        hours: preferredHours(inputs.text("preferred_hours")),
        zone,
      });
    case "scheduled":
      return t("why.scheduled", { time: inputs.time("send_at") });
    case "template_approval":
    case "template":
      return t(`why.${rule}`, { message: inputs.text("message") });
    default:
      return t("why.rule", { rule });
  }
}

function consentSentence(inputs: Inputs): string {
  const values = {
    topic: topicOf(inputs),
    channel: channelOf(inputs.text("channel")),
    time: inputs.time("said_at"),
  };
  if (inputs.text("address_id")) return t("why.consent.address", values);
  const state = inputs.text("state");
  return t(`why.consent.${state === "opted_out" || state === "pending" ? state : "none"}`, values);
}

/** The topic that somebody spoke of, or that was asked about. */
export function topicOf(inputs: Inputs): string {
  const told = inputs.text("told_for") || inputs.text("topic");
  return told === "all" ? t("why.allTopics") : told;
}

export function channelOf(name: string): string {
  const channel = CHANNELS.find((one) => one.toLowerCase() === name);
  return channel ? t(`channel.${channel}`) : name;
}

const SUPPRESSIONS = ["COMPLAINT", "HARD_BOUNCE", "MANUAL", "STOP", "UNREACHABLE"] as const;

function suppressionsOf(reasons: unknown): string {
  return list(
    (Array.isArray(reasons) ? reasons : []).map(String).map((name) => {
      const known = SUPPRESSIONS.find((one) => one.toLowerCase() === name);
      return known ? t(`suppressionReason.${known}`) : name;
    }),
  );
}

export function windowOf(window: unknown): string {
  if (typeof window !== "object" || window === null || !("unit" in window)) return t("why.window.other");
  if (window.unit === "rolling" && "hours" in window) return t("why.window.rolling", { hours: Number(window.hours) });
  if (window.unit === "day" || window.unit === "week" || window.unit === "month") return t(`why.window.${window.unit}`);
  return t("why.window.other");
}
