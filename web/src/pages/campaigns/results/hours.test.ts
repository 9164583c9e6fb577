import { expect, test } from "vitest";
import { byHour } from "./hours";

const at = (hour: string, sent: number) => ({ hour, sent, delivered: 0, opensHuman: 0, clicksHuman: 1 });

test("variants of an hour are added up, and hours between are zero", () => {
  const hours = byHour([at("2026-11-29T12:00:00Z", 1), at("2026-11-29T09:00:00Z", 2), at("2026-11-29T09:00:00Z", 3)]);
  expect(hours.map((one) => [one.at.toISOString().slice(11, 13), one.sent, one.clicksHuman])).toEqual([
    ["09", 5, 2],
    ["10", 0, 0],
    ["11", 0, 0],
    ["12", 1, 1],
  ]);
});

test("a click after years does not make a figure of all hours between", () => {
  expect(byHour([at("2020-01-01T00:00:00Z", 1), at("2026-01-01T00:00:00Z", 0)])).toHaveLength(2);
  expect(byHour([])).toEqual([]);
});
