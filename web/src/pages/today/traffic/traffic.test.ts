import { describe, expect, test } from "vitest";
import { after, beginning, momentsBetween } from "./moments";
import { seriesOf, totalsOf } from "./series";
import type { TrafficPoint } from "./TrafficQuery";
import { MEASURES } from "./trafficUrl";

const NOW = new Date("2026-11-18T10:20:00");

const point = (from: Date, channel: TrafficPoint["channel"], sent: number): TrafficPoint => ({
  ...(Object.fromEntries(MEASURES.map((measure) => [measure, 0])) as Omit<TrafficPoint, "from" | "channel">),
  from: from.toISOString(),
  channel,
  sent,
});

describe("the points of a range", () => {
  test("of a day are its hours, the present one last", () => {
    const moments = momentsBetween(beginning("day", NOW), NOW, "HOUR");
    expect(moments).toHaveLength(24);
    expect(moments.at(-1)).toEqual(new Date("2026-11-18T10:00:00"));
  });

  test("of a month are thirty days, today last", () => {
    const moments = momentsBetween(beginning("month", NOW), NOW, "DAY");
    expect(moments).toHaveLength(30);
    expect(moments.at(-1)).toEqual(new Date("2026-11-18T00:00:00"));
  });

  test("of a year begin on Mondays", () => {
    const since = beginning("year", NOW);
    expect(since.getDay()).toBe(1);
    expect(after(since, "WEEK").getDay()).toBe(1);
  });
});

describe("the figures", () => {
  const moments = momentsBetween(beginning("week", NOW), NOW, "DAY");
  const [first = NOW, second = NOW] = moments;
  const points = [point(first, "EMAIL", 3), point(second, "EMAIL", 4), point(second, "SMS", 5)];

  test("are zero where nothing happened, for each channel that was used", () => {
    expect(seriesOf(points, "sent", moments)).toEqual([
      { channel: "EMAIL", values: [3, 4, 0, 0, 0, 0, 0] },
      { channel: "SMS", values: [0, 5, 0, 0, 0, 0, 0] },
    ]);
  });

  test("add up, of one channel and of all", () => {
    expect(totalsOf(points).sent).toBe(12);
    expect(totalsOf(points, "SMS").sent).toBe(5);
  });
});
