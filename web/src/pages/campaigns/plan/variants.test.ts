import { expect, test } from "vitest";
import { addedVariant } from "./variants";

test("shares add up to 100 % however many there are", () => {
  let variants = addedVariant([], "autumn");
  expect(variants.map((one) => [one.name, one.share])).toEqual([
    ["a", "50"],
    ["b", "50"],
  ]);
  while (variants.length < 8) {
    variants = addedVariant(variants, "autumn");
    const points = variants.reduce((sum, one) => sum + Math.round(Number(one.share) * 100), 0);
    expect(points).toBe(10_000);
  }
  expect(variants[2]?.share).toBe("12.5");
});
