import { expect, test } from "vitest";
import { isTyped } from "./isTyped";

test("a name counts as typed without what no keyboard has", () => {
  expect(isTyped("Ivan  Kolar ", "Ivan Kolar")).toBe(true);
  expect(isTyped("فاطمة الزهراء", "\u202Bفاطمة\u00a0الزهراء\u202C")).toBe(true);
  expect(isTyped("Zoe\u0308", "Zoë")).toBe(true);
  expect(isTyped("Ivan", "Ivan Kolar")).toBe(false);
  expect(isTyped("", "\u200f")).toBe(false);
});
