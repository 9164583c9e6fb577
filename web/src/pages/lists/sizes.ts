/** Customers who entered and left on a day; days without changes are left out. */
export interface DayOfGrowth {
  day: string;
  entered: number;
  left: number;
}

export interface SizeOfDay extends DayOfGrowth {
  /** The number of members at the end of the day. */
  size: number;
}

/** A day of the person's clock, as in 2026-05-31. */
export const dayOf = (at: Date): string =>
  [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");

/** The same time of the day, so many days before: days with a change of clocks are not 24 hours long. */
export const daysBefore = (at: Date, days: number): Date => {
  const before = new Date(at);
  before.setDate(at.getDate() - days);
  return before;
};

/** Each of the last `days` days with the list's size at its end, reckoned back from the size that it has now. */
export function sizesByDay(growth: readonly DayOfGrowth[], sizeNow: number, days: number, now: Date): SizeOfDay[] {
  const known = new Map(growth.map((one) => [one.day, one]));
  const found: SizeOfDay[] = [];
  let size = sizeNow;
  for (let back = 0; back < days; back++) {
    const day = dayOf(daysBefore(now, back));
    const { entered, left } = known.get(day) ?? { entered: 0, left: 0 };
    found.push({ day, entered, left, size });
    size -= entered - left;
  }
  return found.reverse();
}
