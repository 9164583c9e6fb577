import { expect, test } from "vitest";
import { snoozedUntil, windowClosesAt } from "./snooze";

test("a snoozed conversation comes back in the morning, by the person's clock", () => {
  const sunday = new Date(2026, 10, 29, 23, 30);
  const monday = new Date(2026, 10, 30, 8, 0);
  expect(snoozedUntil("tomorrow", sunday)).toEqual(new Date(2026, 10, 30, 9, 0));
  expect(snoozedUntil("monday", sunday)).toEqual(new Date(2026, 10, 30, 9, 0));
  expect(snoozedUntil("monday", monday)).toEqual(new Date(2026, 11, 7, 9, 0));
  expect(snoozedUntil("hours", monday)).toEqual(new Date(2026, 10, 30, 11, 0));
});

test("WhatsApp's window lasts a day from what the customer wrote last", () => {
  expect(windowClosesAt("2026-11-29T10:00:00Z")).toEqual(new Date("2026-11-30T10:00:00Z"));
  expect(windowClosesAt(null)).toBeUndefined();
});
