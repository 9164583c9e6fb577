import { describe, expect, test } from "vitest";
import { daysOf, isMonth, monthAfter } from "./calendar";

describe("months", () => {
  test("follow each other over the year's end", () => {
    expect(monthAfter("2026-12", 1)).toBe("2027-01");
    expect(monthAfter("2026-01", -1)).toBe("2025-12");
  });

  test("have their days, leap years too", () => {
    expect(daysOf("2024-02").days.at(-1)).toBe("2024-02-29");
    expect(daysOf("2026-02").days).toHaveLength(28);
  });

  test("begin on their weekday", () => {
    // 1 February 2026 is a Sunday, 1 June 2026 a Monday.
    expect(daysOf("2026-02").empty).toBe(6);
    expect(daysOf("2026-06").empty).toBe(0);
  });

  test.each([undefined, "", "2026", "2026-13", "2026-5"])("%s is no month", (text) => {
    expect(isMonth(text)).toBe(false);
  });
});
