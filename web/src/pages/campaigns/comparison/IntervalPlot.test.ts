import { expect, test } from "vitest";
import { scaleOf } from "./IntervalPlot";

const estimate = (low: number, value: number, high: number) => ({ id: "a", name: "a", low, value, high });

test("shares begin at zero, differences have zero inside", () => {
  expect(scaleOf([estimate(0.1, 0.2, 0.3)], false)).toEqual({ low: 0, high: expect.closeTo(0.324) });
  const { low, high } = scaleOf([estimate(0.1, 0.2, 0.3)], true);
  expect(low).toBeLessThan(0);
  expect(high).toBeGreaterThan(0.3);
});

test("nothing measured still has a scale", () => {
  for (const isDifference of [true, false]) {
    const { low, high } = scaleOf([estimate(0, 0, 0)], isDifference);
    expect(high).toBeGreaterThan(low);
  }
});
