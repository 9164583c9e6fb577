import { t } from "../texts";
import { date, dateTime, list, preferredHours, time } from "../texts/format";
import type { Explained, Finding } from "./ExplainSend";
import { ruleName } from "./rules";
import { channelOf, explain, Inputs, topicOf, windowOf } from "./why";

const SUBJECTS = [
  "erased",
  "unknown_address",
  "suppressed_address",
  "invalid_address",
  "consent",
  "scheduled",
  "whatsapp_window",
  "frequency_cap",
  "quiet_hours",
  "blackout",
  "weekday",
  "preferred_hours",
] as const;

/** What a rule is about, such as "Quiet hours"; rules that a newer server has are named as it names them. */
export function subjectOf(rule: string): string {
  const known = SUBJECTS.find((one) => one === rule);
  return t(known ? `explain.subject.${known}` : "explain.subject.other", { rule });
}

/** What would become of the message, in a sentence. `isBlank`: nothing is written yet, which needs no words of the server. */
export function verdictOf({ decision, rule, heldUntil, refusal }: Explained, isBlank = false): string {
  if (refusal?.field === "body" && isBlank) return t("explain.noText");
  if (refusal) return t("explain.refused", { message: refusal.message });
  const name = ruleName(rule ?? "");
  switch (decision) {
    case "HELD":
      return t("explain.HELD", { rule: name, time: heldUntil ? dateTime(heldUntil) : "" });
    case "SUPPRESSED":
      return t("explain.SUPPRESSED", { rule: name });
    default:
      return t("explain.QUEUED");
  }
}

/** What a rule finds, in a sentence. */
export function findingOf(finding: Finding, to: string | null): string {
  const { rule, outcome, inputs, until, notAskedBecause } = finding;
  switch (outcome) {
    case "PASSES":
      return passes(rule, new Inputs(inputs), to);
    case "HOLDS":
      return explain({ ...NOTHING_ELSE, state: "HELD", reason: rule, inputs, until });
    case "SUPPRESSES":
      return explain({ ...NOTHING_ELSE, state: "SUPPRESSED", reason: rule, inputs, until });
    case "NOT_ASKED":
      return notAskedBecause ? t(`explain.notAsked.${notAskedBecause}`) : "";
  }
}

const NOTHING_ELSE = { class: null, code: null, detail: null };

function passes(rule: string, inputs: Inputs, to: string | null): string {
  const zone = inputs.text("zone");
  switch (rule) {
    case "erased":
    case "suppressed_address":
    case "invalid_address":
      return t(`explain.passes.${rule}`);
    case "unknown_address":
      return to ? t("explain.passes.unknown_address", { address: to }) : t("explain.passes.hidden_address");
    case "consent": {
      const values = { topic: topicOf(inputs), channel: channelOf(inputs.text("channel")) };
      return t(`explain.passes.${inputs.text("state") === "opted_in" ? "opted_in" : "not_opted_out"}`, values);
    }
    case "whatsapp_window":
      return t("explain.passes.whatsapp_window", {
        time: inputs.time("last_inbound_at"),
        until: inputs.time("closed_at"),
      });
    case "frequency_cap": {
      const caps = capsOf(inputs);
      return caps.length > 0 ? t("explain.passes.frequency_cap", { caps: list(caps) }) : t("explain.passes.no_caps");
    }
    case "quiet_hours":
      return t("explain.passes.quiet_hours", { time: time(inputs.text("local_time")), zone });
    case "blackout":
    case "weekday":
      // Noon, so that no zone makes another day of it.
      return t(`explain.passes.${rule}`, { date: date(`${inputs.text("date")}T12:00:00`), zone });
    case "preferred_hours":
      return preferredFinding(inputs);
    default:
      return t("explain.passes.other", { rule });
  }
}

function preferredFinding(inputs: Inputs): string {
  const hours = preferredHours(inputs.text("preferred_hours"));
  if (!hours) return t("explain.passes.no_preferred_hours");
  if (inputs.value("set_aside") === true) return t("explain.passes.preferred_hours_set_aside", { hours });
  return t("explain.passes.preferred_hours", {
    hours,
    time: time(inputs.text("local_time")),
    zone: inputs.text("zone"),
  });
}

function capsOf(inputs: Inputs): string[] {
  const caps = inputs.value("caps");
  return (Array.isArray(caps) ? caps : []).map((one) => {
    const cap = new Inputs(one);
    return t("explain.passes.cap", {
      counted: cap.text("counted"),
      limit: cap.text("limit"),
      window: windowOf(cap.value("window")),
    });
  });
}
