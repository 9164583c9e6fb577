import { describe, expect, test } from "vitest";
import { nextRow } from "./DataTable";

describe("keys in a table", () => {
  test.each([
    ["ArrowDown", -1, 0],
    ["j", 3, 4],
    ["ArrowUp", 0, 0],
    ["End", 0, 9],
    ["PageDown", 7, 9],
    ["x", 3, undefined],
  ])("%s at row %i leads to %s", (key, active, next) => {
    expect(nextRow(key, active, 10, 5)).toBe(next);
  });

  test("an empty table has no row to go to", () => {
    expect(nextRow("ArrowDown", -1, 0, 5)).toBeUndefined();
  });
});
