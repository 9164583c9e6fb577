import type { Enum } from "../../../api/graphql";
import type { Range } from "./trafficUrl";

// The points of a period on the person's clock. The API leaves out points in which nothing happened.

const BACK: Record<Range, (at: Date) => void> = {
  day: (at) => at.setHours(at.getHours() - 23, 0, 0, 0),
  week: (at) => at.setDate(at.getDate() - 6),
  month: (at) => at.setDate(at.getDate() - 29),
  quarter: (at) => at.setDate(at.getDate() - 89),
  // 52 whole weeks and this one.
  year: (at) => at.setDate(at.getDate() - 364),
};

/** Where a range begins that ends now. */
export function beginning(range: Range, now: Date): Date {
  const at = new Date(now);
  BACK[range](at);
  if (range !== "day") at.setHours(0, 0, 0, 0);
  if (range === "year") at.setDate(at.getDate() - ((at.getDay() + 6) % 7));
  return at;
}

/** The beginning of what follows a point. */
export function after(at: Date, step: Enum<"TrafficStep">): Date {
  const next = new Date(at);
  if (step === "HOUR") next.setTime(at.getTime() + 3_600_000);
  else next.setDate(at.getDate() + (step === "DAY" ? 1 : 7));
  return next;
}

export function momentsBetween(since: Date, until: Date, step: Enum<"TrafficStep">): Date[] {
  const moments: Date[] = [];
  for (let at = since; at < until; at = after(at, step)) moments.push(at);
  return moments;
}
