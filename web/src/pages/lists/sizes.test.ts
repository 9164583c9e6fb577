import { describe, expect, test } from "vitest";
import { dayBegins } from "./listsUrl";
import { dayOf, daysBefore, sizesByDay } from "./sizes";

describe("a list's size by day", () => {
  test("is reckoned back from the size now", () => {
    const growth = [
      { day: "2026-05-08", entered: 5, left: 1 },
      { day: "2026-05-10", entered: 0, left: 2 },
    ];
    const sizes = sizesByDay(growth, 12, 4, new Date(2026, 4, 10, 8));
    expect(sizes.map(({ day, size }) => [day, size])).toEqual([
      ["2026-05-07", 10],
      ["2026-05-08", 14],
      ["2026-05-09", 14],
      ["2026-05-10", 12],
    ]);
  });
});

describe("a day", () => {
  test("is that of the person's clock", () => {
    expect(dayOf(new Date(2026, 0, 9, 23, 59))).toBe("2026-01-09");
    expect(dayOf(daysBefore(new Date(2026, 2, 1, 0, 30), 1))).toBe("2026-02-28");
  });
});

describe("a day of the URL", () => {
  test("is no moment when it is no day", () => {
    expect(dayBegins("2026-13-45")).toBeUndefined();
    expect(dayBegins("yesterday")).toBeUndefined();
    expect(dayBegins(undefined)).toBeUndefined();
  });

  test("ends where the next begins", () => {
    expect(dayBegins("2026-05-31", 1)).toBe(dayBegins("2026-06-01"));
  });
});
