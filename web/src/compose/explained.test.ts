import { beforeAll, describe, expect, test, vi } from "vitest";
import { loadLanguage } from "../texts";
import type { Explained, Finding } from "./ExplainSend";
import { findingOf, subjectOf, verdictOf } from "./explained";

beforeAll(async () => {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("window", { localStorage: { getItem: () => null } });
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  await loadLanguage();
});

const EXPLAINED: Explained = { decision: "QUEUED", rule: null, heldUntil: null, to: null, rules: [], refusal: null };

const found = (rule: string, inputs: unknown, more: Partial<Finding> = {}): string =>
  findingOf({ rule, inputs, outcome: "PASSES", notAskedBecause: null, until: null, ...more }, "ada@example.com");

describe("what would become of a message", () => {
  test("is one sentence", () => {
    expect(verdictOf(EXPLAINED)).toBe("It would be sent at once.");
    expect(verdictOf({ ...EXPLAINED, decision: "SUPPRESSED", rule: "consent" })).toBe(
      "It would not be sent: no consent.",
    );
    const refusal = { code: "INVALID_INPUT", message: "body: must not be blank", field: "body" };
    expect(verdictOf({ ...EXPLAINED, decision: null, refusal })).toBe("Not yet: body: must not be blank");
    expect(verdictOf({ ...EXPLAINED, decision: null, refusal }, true)).toBe("Not yet: the text is missing.");
  });

  test("is found by rules, each of which says what it looked at", () => {
    expect(found("unknown_address", {})).toBe("It goes to ada@example.com.");
    const consent = { channel: "email", topic: "offers", state: "opted_in", told_for: "all" };
    expect(found("consent", consent)).toBe("The customer opted in to all topics by Email.");
    expect(found("consent", { ...consent, state: "none", told_for: null })).toBe(
      "Nobody opted out of offers by Email, and no opt-in is required.",
    );
    const caps = [{ limit: 3, counted: 1, window: { unit: "week" } }];
    expect(found("frequency_cap", { caps })).toBe("Caps are not reached: 1 of 3 a week.");
    expect(found("frequency_cap", { caps: [] })).toBe("No cap concerns it.");
    expect(found("quiet_hours", { zone: "Europe/Vienna", local_time: "2026-11-30T10:15:00" })).toContain("10:15");
  });

  test("says why a rule stands against it, or is not asked", () => {
    expect(found("consent", { channel: "sms", topic: "offers", state: "opted_out" }, { outcome: "SUPPRESSES" })).toBe(
      "The customer opted out of offers by SMS.",
    );
    expect(found("frequency_cap", {}, { outcome: "NOT_ASKED", notAskedBecause: "TRANSACTIONAL" })).toBe(
      "the message is no marketing",
    );
  });

  test("is told of rules that are not known here", () => {
    expect(subjectOf("full_moon")).toBe("Rule full_moon");
    expect(found("full_moon", null)).toBe("The rule full_moon lets it pass.");
  });
});
