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

const DAY_MS = 86_400_000;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Each of the last `days` days with the list's size at its end, reckoned back from the size that it has now. */
export function sizesByDay(growth: readonly DayOfGrowth[], sizeNow: number, days: number, now: Date): SizeOfDay[] {
  const known = new Map(growth.map((one) => [one.day, one]));
  const found: SizeOfDay[] = [];
  let size = sizeNow;
  for (let back = 0; back < days; back++) {
    const day = dayOf(now.getTime() - back * DAY_MS);
    const { entered, left } = known.get(day) ?? { entered: 0, left: 0 };
    found.push({ day, entered, left, size });
    size -= entered - left;
  }
  return found.reverse();
}
