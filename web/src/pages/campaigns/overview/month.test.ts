import { expect, test } from "vitest";
import { dayOf, monthsLater, startOfMonth, weeksOf } from "./month";

const NOW = new Date(2026, 10, 29);

test("a month has whole weeks from the first weekday on", () => {
  const december = startOfMonth("2026-12", NOW);
  const fromMonday = weeksOf(december, 1);
  expect(fromMonday).toHaveLength(5);
  expect(fromMonday[0]?.map(dayOf)).toEqual([
    "2026-11-30",
    "2026-12-01",
    "2026-12-02",
    "2026-12-03",
    "2026-12-04",
    "2026-12-05",
    "2026-12-06",
  ]);
  expect(dayOf(weeksOf(december, 7)[0]?.[0] ?? NOW)).toBe("2026-11-29");
  // Begins on its first weekday and ends on its last: four weeks.
  expect(weeksOf(startOfMonth("2027-02", NOW), 1)).toHaveLength(4);
});

test("what is no month is the present one", () => {
  for (const month of [undefined, "", "2026-13", "hello"]) expect(dayOf(startOfMonth(month, NOW))).toBe("2026-11-01");
  expect(monthsLater(startOfMonth("2026-12", NOW), 1)).toBe("2027-01");
  expect(monthsLater(startOfMonth("2026-01", NOW), -1)).toBe("2025-12");
});
