import { describe, expect, test } from "vitest";
import { type Draft, draftFromUrl, draftOf, draftToUrl, EMPTY_DRAFT, inputOf, type Plan } from "./draft";
import { microsOf } from "./micros";

const PLAN: Plan = {
  channel: "EMAIL",
  topic: "newsletter",
  template: "autumn",
  version: 3,
  variables: { offers: ["Malbec"] },
  stopAfterMinutes: 600,
  holdOut: 1_000,
  audience: {
    everybody: false,
    lists: [{ id: "List:1", name: "North", memberCount: 7 }],
    exclude: [{ id: "List:2", name: "South", memberCount: 8 }],
  },
  fallbacks: [{ channel: "SMS", template: "short", version: null }],
  variants: [
    { name: "a", share: 5_000, template: "autumn", version: null },
    { name: "b", share: 5_000, template: "autumn-b", version: 2 },
  ],
  winner: { metric: "OPENED", test: 2_000, undecided: "ASK", waitMinutes: 60 },
  start: {
    at: null,
    cron: "0 9 * * 1",
    localDate: null,
    localTime: null,
    observations: null,
    spreadMinutes: 15,
    until: "2026-12-31T12:00:00Z",
    zone: "Europe/London",
  },
  rate: { messages: 20, per: "MINUTE", burst: 2 },
  seasons: [{ from: "2026-12-20", until: "2026-12-26", rate: { messages: 5, per: "HOUR", burst: 0 } }],
  thresholds: { complaints: 10, hardBounces: 500, errors: 1_000 },
  budget: {
    amount: { amount: "250.50", currency: "EUR" },
    price: { amount: "0.0075", micros: "7500" },
    warnPercent: 80,
  },
};

describe("a plan in the form", () => {
  test("goes back to the API as it came", () => {
    expect(inputOf(draftOf("Autumn", PLAN))).toEqual({
      name: "Autumn",
      topic: "newsletter",
      channel: "EMAIL",
      fallbacks: [{ channel: "SMS", template: "short", version: undefined }],
      audience: { everybody: false, lists: ["List:1"], exclude: ["List:2"] },
      template: "autumn",
      version: 3,
      variables: { offers: ["Malbec"] },
      experiment: {
        holdOut: 1_000,
        variants: [
          { name: "a", share: 5_000, template: "autumn", version: undefined },
          { name: "b", share: 5_000, template: "autumn-b", version: 2 },
        ],
        winner: { metric: "OPENED", test: 2_000, undecided: "ASK", waitMinutes: 60 },
      },
      start: { recurring: { cron: "0 9 * * 1", zone: "Europe/London", until: "2026-12-31T12:00:00.000Z" } },
      spreadMinutes: 15,
      stopAfterMinutes: 600,
      rate: { messages: 20, per: "MINUTE", burst: 2 },
      seasons: PLAN.seasons,
      thresholds: { complaints: 10, hardBounces: 500, errors: 1_000 },
      budget: { micros: "250500000", currency: "EUR", priceMicros: "7500", warnPercent: 80 },
    });
  });

  test("a hold-out without variants has one variant, which the form does not show", () => {
    const draft = { ...EMPTY_DRAFT, template: "autumn", holdOut: "10" };
    const experiment = inputOf(draft).experiment;
    expect(experiment).toEqual({ holdOut: 1_000, variants: [{ name: "all", share: 10_000 }] });
    const plan = { ...PLAN, variants: [{ name: "all", share: 10_000, template: "autumn", version: null }] };
    expect(draftOf("Autumn", plan).variants).toEqual([]);
  });

  test("survives a URL; what is not a draft is left out", () => {
    const draft: Draft = { ...EMPTY_DRAFT, name: "Ünïcode & co", lists: ["List:1"], start: "recurring" };
    expect(draftFromUrl(draftToUrl(draft))).toEqual(draft);
    expect(draftToUrl(EMPTY_DRAFT)).toBeUndefined();
    for (const raw of [undefined, "", "[]", "null", '{"name":7,"lists":"x","channel":"FAX","variants":[1]}']) {
      expect(draftFromUrl(raw)).toEqual(EMPTY_DRAFT);
    }
  });
});

test.each([
  ["250", "250000000"],
  ["0.0075", "7500"],
  [".5", "500000"],
  ["0", "0"],
  ["1.23456789", "1234567"],
])("%s is %s micros", (decimal, micros) => {
  expect(microsOf(decimal)).toBe(micros);
});
