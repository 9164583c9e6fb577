import { describe, expect, test } from "vitest";
import german from "./de.json";
import english from "./en.json";
import { flat, preferred } from "./index";

const en = new Map(flat(english));
const de = new Map(flat(german));

const names = (text: string | { one: string; other: string } | undefined): string[] => {
  const words = typeof text === "object" ? text.other : (text ?? "");
  return [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").toSorted();
};

describe("texts", () => {
  test("both languages have the same keys in the same order", () => {
    expect([...de.keys()]).toEqual([...en.keys()]);
  });

  test.each([...en.keys()])("%s takes the same values in both languages and is not empty", (key) => {
    expect(typeof de.get(key)).toBe(typeof en.get(key));
    expect(names(de.get(key))).toEqual(names(en.get(key)));
    for (const text of [en.get(key), de.get(key)]) {
      for (const words of typeof text === "object" ? Object.values(text) : [text]) expect(words?.trim()).toBeTruthy();
    }
  });

  test("the first language of the browser that there are texts in is taken", () => {
    expect(preferred(["fr-FR", "de-AT", "en"])).toBe("de");
    expect(preferred(["ja"])).toBe("en");
  });
});
