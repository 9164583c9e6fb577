import { expect, test } from "vitest";
import { checksFor } from "./checks";
import type { Receiver } from "./SendQueries";

const RECEIVER: Receiver = {
  customer: {
    id: "Customer:1",
    name: "Jana",
    forgottenAt: null,
    addresses: [
      {
        id: "a",
        kind: "EMAIL",
        address: "old@example.com",
        primary: false,
        suppressions: [{ active: true, reason: "HARD_BOUNCE" }],
      },
      {
        id: "b",
        kind: "EMAIL",
        address: "jana@example.com",
        primary: true,
        suppressions: [{ active: false, reason: "MANUAL" }],
      },
    ],
  },
  consents: [{ channel: "EMAIL", topic: "newsletter", state: "OPTED_OUT", recordedAt: "2026-11-29T09:00:00Z" }],
  policy: { requireOptIn: false },
};

const judged = (channel: "EMAIL" | "SMS", topic: string, isMarketing: boolean, receiver = RECEIVER) =>
  checksFor(receiver, { channel, topic, isMarketing }).map((one) => [one.name, one.isGood]);

test("advertising needs that nobody opted out, other messages do not", () => {
  expect(judged("EMAIL", "newsletter", true)).toContainEqual(["consent", false]);
  expect(judged("EMAIL", "newsletter", false)).toContainEqual(["consent", true]);
});

test("silence is consent, unless the policy asks for an opt-in", () => {
  expect(judged("EMAIL", "offers", true)).toContainEqual(["consent", true]);
  expect(judged("EMAIL", "offers", true, { ...RECEIVER, policy: { requireOptIn: true } })).toContainEqual([
    "consent",
    false,
  ]);
});

test("the primary address is judged; without any there is nothing more to say", () => {
  expect(judged("EMAIL", "offers", true)).toContainEqual(["suppression", true]);
  expect(judged("SMS", "offers", true)).toEqual([["address", false]]);
});
