import { expect, test } from "vitest";
import { attemptsOf, engagementOf } from "./attempts";

const at = "2026-11-29T10:00:00Z";
const entry = (type: string, data: unknown) => ({ id: type, type, occurredAt: at, data });

test("attempts are read from the log with what chose the account", () => {
  const considered = [
    { provider: "smtp", account: "a", priority: 0 },
    { provider: "ses", account: "b", priority: 1, left_out: "circuit" },
  ];
  const attempts = attemptsOf([
    entry("MessageQueued", {}),
    entry("DispatchStarted", { attempt: 1, provider: "smtp", account: "a", choice: { by: "priority", considered } }),
    entry("DispatchFailed", { class: "transient", code: "451", retry_at: at }),
    entry("DispatchStarted", { attempt: 2, provider: "smtp", account: "a" }),
  ]);
  expect(attempts).toMatchObject([
    { number: 1, result: "failed", code: "451", retryAt: at, by: "priority", considered: [{}, { leftOut: "circuit" }] },
    { number: 2, result: "running", considered: [] },
  ]);
});

test("opens and clicks keep their class", () => {
  expect(
    engagementOf([entry("MessageOpened", { class: "machine" }), entry("MessageClicked", { class: "human" })]),
  ).toEqual([
    { id: "MessageOpened", kind: "opens", at, class: "machine" },
    { id: "MessageClicked", kind: "clicks", at, class: "human" },
  ]);
});
