import { beforeAll, describe, expect, test, vi } from "vitest";
import { loadLanguage } from "../texts";
import { explain, type Why } from "./why";

beforeAll(async () => {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("window", { localStorage: { getItem: () => null } });
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  await loadLanguage();
});

const because = (reason: string, inputs: unknown, more: Partial<Why> = {}): string =>
  explain({ state: "SUPPRESSED", reason, inputs, class: null, code: null, detail: null, until: null, ...more });

describe("why a message was not sent", () => {
  test("is said with what the rule looked at", () => {
    const consent = { channel: "email", topic: "newsletter", told_for: null, state: "none", opt_in_required: true };
    expect(because("consent", consent)).toBe(
      "The customer has not opted in to newsletter by Email, and the policy requires it.",
    );
    expect(because("consent", { ...consent, state: "opted_out", told_for: "all" })).toBe(
      "The customer opted out of all topics by Email.",
    );
    expect(because("suppressed_address", { reasons: ["hard_bounce", "stop"] })).toBe(
      "Nothing is sent to this address, whoever has it: Hard bounce and Replied STOP.",
    );
    const cap = { limit: 3, counted: 3, window: { unit: "rolling", hours: 168 } };
    expect(because("frequency_cap", cap)).toBe(
      "The limit of 3 marketing messages within 168 hours is reached: 3 were counted.",
    );
  });

  test("of a hold says until when", () => {
    const inputs = { from: "20:00:00", to: "08:00:00", zone: "Europe/Berlin", local_time: "2026-11-29T21:30:00" };
    expect(because("quiet_hours", inputs, { state: "HELD", until: "2026-11-30T08:00:00" })).toBe(
      "It was 29 Nov 2026, 21:30 for the customer (Europe/Berlin): quiet hours last from 20:00 to 08:00. Until 30 Nov 2026, 08:00.",
    );
  });

  test("of the provider has its words", () => {
    const bounce = { state: "BOUNCED", class: "hard", code: "5.1.1", detail: "no such user" } as const;
    expect(because("", null, bounce)).toBe("The address does not take mail for good: 5.1.1, no such user.");
  });

  test("of rules of newer servers names them", () => {
    expect(because("moon_phase", { phase: "full" })).toBe("The rule moon_phase decided.");
    expect(because("consent", null)).toContain("has not opted in");
  });
});
