import type { Channel } from "../../../components/Status";
import type { Policy } from "./PolicyQuery";

// What the quiet hours and protected weekdays mean for a week, in minutes of each day.

export const WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export const DAY = 1_440;

type Action = Policy["weekdays"]["action"];

export interface QuietTime {
  from: number;
  to: number;
  action: Action;
}

/** The minute of a time of day, such as `21:00` or `21:00:00`. */
export function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

interface Rules {
  quietHours: Policy["quietHours"];
  weekdays: Policy["weekdays"];
}

/** The times of one weekday at which nothing is sent on a channel, in their order. Where rules overlap, the stricter one holds. */
export function quietTimes({ quietHours, weekdays }: Rules, channel: Channel, weekday: Weekday): QuietTime[] {
  const whole = weekdays.days.includes(weekday) ? [{ from: 0, to: DAY, action: weekdays.action }] : [];
  const parts = quietHours
    .filter((rule) => rule.channel === null || rule.channel === channel)
    .flatMap((rule): QuietTime[] => {
      const [from, to] = [minuteOf(rule.from), minuteOf(rule.to)];
      if (from === to) return [];
      if (from < to) return [{ from, to, action: rule.action }];
      return [
        { from: 0, to, action: rule.action },
        { from, to: DAY, action: rule.action },
      ];
    });
  return merged([...whole, ...parts].filter(({ from, to }) => from < to));
}

function merged(times: QuietTime[]): QuietTime[] {
  const edges = [...new Set(times.flatMap(({ from, to }) => [from, to]))].toSorted((a, b) => a - b);
  const result: QuietTime[] = [];
  for (const [index, from] of edges.entries()) {
    const to = edges[index + 1];
    if (to === undefined) continue;
    const over = times.filter((time) => time.from <= from && time.to >= to);
    if (over.length === 0) continue;
    const action = over.some((time) => time.action === "ABORT") ? "ABORT" : "HOLD";
    const last = result.at(-1);
    if (last && last.to === from && last.action === action) last.to = to;
    else result.push({ from, to, action });
  }
  return result;
}
