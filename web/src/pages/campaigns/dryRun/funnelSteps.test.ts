import { expect, test } from "vitest";
import { stepsOf } from "./funnelSteps";

test("the steps go from the audience to what is sent, and nobody is in two", () => {
  const steps = stepsOf({
    audience: 601,
    excluded: 300,
    suppressed: 1,
    outcomes: [
      { outcome: "consent", customers: 1, refusal: null },
      { outcome: "TEMPLATE_VALUE_MISSING", customers: 4, refusal: "offers: has no value" },
      { outcome: "list", customers: 296, refusal: null },
      { outcome: "queued", customers: 300, refusal: null },
    ],
  });
  expect(steps.map(({ id, count }) => [id, count])).toEqual([
    ["audience", 601],
    ["list", 296],
    ["TEMPLATE_VALUE_MISSING", 4],
    ["recipients", 301],
    ["consent", 1],
    ["queued", 300],
  ]);
  expect(steps[2]?.note).toBe("offers: has no value");
});

test("nobody at all is said too", () => {
  const steps = stepsOf({ audience: 0, excluded: 0, suppressed: 0, outcomes: [] });
  expect(steps.map(({ id }) => id)).toEqual(["queued"]);
});
