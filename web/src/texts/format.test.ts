import { beforeAll, describe, expect, test, vi } from "vitest";
import { money, preferredHours, relative } from "./format";
import { loadLanguage } from "./index";

// Tests share one environment: another one may have loaded another language.
beforeAll(async () => {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("window", { localStorage: { getItem: () => null } });
  vi.stubGlobal("navigator", { languages: ["en"] });
  await loadLanguage();
});

const NOW = new Date("2026-05-10T12:00:00Z");

describe("formats", () => {
  test("money keeps all digits of an amount that no number can hold", () => {
    expect(money("9007199254740993.25", "EUR")).toBe("€9,007,199,254,740,993.25");
  });

  test("preferred hours are written in the reader's words", () => {
    expect(preferredHours("mon-fri,sun 09:00-24:00")).toBe("Mon–Fri, Sun 09:00–24:00");
    expect(preferredHours("18:00-21:00")).toBe("18:00–21:00");
  });

  test("money shows what is no amount as it came", () => {
    expect(money("?", "EUR")).toBe("? EUR");
  });

  test.each([
    ["2026-05-10T11:59:45Z", "now"],
    ["2026-05-10T11:58:30Z", "1 minute ago"],
    ["2026-05-10T14:00:00Z", "in 2 hours"],
    ["2026-05-09T11:00:00Z", "yesterday"],
    ["2026-05-01T12:00:00Z", "May 1, 2026"],
  ])("%s is said as “%s”", (at, words) => {
    expect(relative(at, NOW)).toBe(words);
  });
});
