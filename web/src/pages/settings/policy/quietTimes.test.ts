import { describe, expect, test } from "vitest";
import { DAY, quietTimes } from "./quietTimes";

const NONE = { days: [], action: "HOLD" } as const;
const night = { channel: null, from: "21:00:00", to: "08:00:00", action: "HOLD" } as const;

const rules = (quietHours: Parameters<typeof quietTimes>[0]["quietHours"], weekdays = NONE) => ({
  quietHours,
  weekdays: { ...weekdays, days: [...weekdays.days] },
});

describe("the quiet times of a day", () => {
  test("span midnight", () => {
    expect(quietTimes(rules([night]), "SMS", "MONDAY")).toEqual([
      { from: 0, to: 480, action: "HOLD" },
      { from: 1_260, to: DAY, action: "HOLD" },
    ]);
  });

  test("are those of the channel and of all channels", () => {
    const lunch = { channel: "VOICE", from: "12:00", to: "13:30", action: "HOLD" } as const;
    expect(quietTimes(rules([lunch]), "SMS", "MONDAY")).toEqual([]);
    expect(quietTimes(rules([lunch]), "VOICE", "MONDAY")).toEqual([{ from: 720, to: 810, action: "HOLD" }]);
  });

  test("are off where they begin as they end", () => {
    expect(quietTimes(rules([{ ...night, to: "21:00:00" }]), "SMS", "MONDAY")).toEqual([]);
  });

  test("join where they touch", () => {
    const morning = { channel: null, from: "08:00", to: "09:00", action: "HOLD" } as const;
    expect(quietTimes(rules([night, morning]), "SMS", "MONDAY")[0]).toEqual({ from: 0, to: 540, action: "HOLD" });
  });

  test("take the stricter rule where two overlap", () => {
    const strict = { channel: "SMS", from: "22:00", to: "23:00", action: "ABORT" } as const;
    expect(quietTimes(rules([night, strict]), "SMS", "MONDAY").map(({ from, action }) => [from, action])).toEqual([
      [0, "HOLD"],
      [1_260, "HOLD"],
      [1_320, "ABORT"],
      [1_380, "HOLD"],
    ]);
  });

  test("are the whole of a protected weekday", () => {
    const sunday = { quietHours: [night], weekdays: { days: ["SUNDAY" as const], action: "HOLD" as const } };
    expect(quietTimes(sunday, "SMS", "SUNDAY")).toEqual([{ from: 0, to: DAY, action: "HOLD" }]);
    expect(quietTimes(sunday, "SMS", "MONDAY")).toHaveLength(2);
  });
});
