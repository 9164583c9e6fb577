import { expect, test } from "vitest";
import { Asked, pauseAfter } from "./typing";

test("a letter by itself is followed at once, letters in a burst wait", () => {
  expect(pauseAfter(Number.NEGATIVE_INFINITY, 0)).toBe(0);
  expect(pauseAfter(1000, 1039)).toBe(40);
  expect(pauseAfter(1000, 1040)).toBe(0);
});

test("an answer that comes while one types on does not change what was typed", () => {
  const asked = new Asked();
  asked.add("an");
  asked.add("ann");
  expect(asked.answers("an")).toBe(true);
  expect(asked.answers("ann")).toBe(true);
});

test("answers that were passed over are not waited for", () => {
  const asked = new Asked();
  asked.add("an");
  asked.add("ann");
  expect(asked.answers("ann")).toBe(true);
  expect(asked.answers("an")).toBe(false);
});

test("a value from outside is no answer", () => {
  const asked = new Asked();
  asked.add("ann");
  expect(asked.answers("")).toBe(false);
  expect(asked.answers("ann")).toBe(false);
});
