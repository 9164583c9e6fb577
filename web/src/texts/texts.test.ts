import { describe, expect, test } from "vitest";
import german from "./de.json";
import english from "./en.json";
import { flat, preferred } from "./index";

const en = new Map(flat(english));
const de = new Map(flat(german));

type Text = string | { one: string; other: string } | undefined;

const forms = (text: Text): string[] => (typeof text === "object" ? [text.one, text.other] : [text ?? ""]);
const names = (text: Text): string[] =>
  [...(forms(text).at(-1) ?? "").matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").toSorted();

describe("texts", () => {
  test("both languages have the same keys in the same order", () => {
    expect([...de.keys()]).toEqual([...en.keys()]);
  });

  // One test, not one a key: there are two thousand.
  test("each text takes the same values in both languages and is not empty", () => {
    const isOdd = (key: string) =>
      typeof de.get(key) !== typeof en.get(key) ||
      names(de.get(key)).join() !== names(en.get(key)).join() ||
      [...forms(en.get(key)), ...forms(de.get(key))].some((words) => words.trim() === "");
    expect([...en.keys()].filter(isOdd)).toEqual([]);
  });

  test("the first language of the browser that there are texts in is taken", () => {
    expect(preferred(["fr-FR", "de-AT", "en"])).toBe("de");
    expect(preferred(["ja"])).toBe("en");
  });
});
