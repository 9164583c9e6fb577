import { expect, test } from "vitest";
import { localMoment } from "./moment";

test("a moment is written for its field by the person's clock", () => {
  expect(localMoment(new Date(2026, 0, 5, 7, 8))).toBe("2026-01-05T07:08");
  expect(localMoment(new Date(2026, 0, 5, 7, 8, 9))).toBe("2026-01-05T07:08:09");
});
