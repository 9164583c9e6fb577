import { expect, test } from "vitest";
import { backTestUrl, inputOf } from "./backTestUrl";

test("what is blank stays in force", () => {
  expect(inputOf(backTestUrl.parse({}))).toEqual({});
});

test("a link has the whole question", () => {
  const state = backTestUrl.parse({
    limit: "3",
    window: "ROLLING_HOURS",
    hours: "48",
    from: "21:00",
    to: "08:00",
    exclude: "List:1",
  });
  expect(inputOf(state)).toEqual({
    excludeLists: ["List:1"],
    policy: {
      caps: [{ limit: 3, window: "ROLLING_HOURS", hours: 48, action: "ABORT" }],
      quietHours: [{ from: "21:00", to: "08:00" }],
    },
  });
});
