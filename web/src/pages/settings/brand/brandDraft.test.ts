import { describe, expect, test } from "vitest";
import type { Brand } from "./BrandQuery";
import { changesOf, draftOf, logoProblem, MOST_BYTES } from "./brandDraft";

const stored: Brand = {
  name: "Rebstock",
  shownName: "Rebstock",
  accent: "#7a1f3d",
  banner: null,
  imprint: null,
  privacyUrl: null,
  language: "GERMAN",
  logo: { mediaType: "image/png", width: 320, height: 80, url: "data:image/png;base64,AAAA" },
  topics: [{ topic: "news", language: null, name: "News" }],
};

describe("what is saved", () => {
  test("is nothing if nothing differs", () => {
    expect(changesOf(stored, draftOf(stored), stored.topics)).toEqual({});
    expect(changesOf(stored, { ...draftOf(stored), name: " Rebstock " }, stored.topics)).toEqual({});
  });

  test("is what differs; an emptied field is cleared", () => {
    const draft = { ...draftOf(stored), accent: "", banner: "#fff", language: "ENGLISH" as const };
    expect(changesOf(stored, draft, stored.topics)).toEqual({ accent: null, banner: "#fff", language: "ENGLISH" });
  });

  test("has the logo's bytes alone, or null to remove it", () => {
    const logo = (url: string | null) => changesOf(stored, { ...draftOf(stored), logo: url }, stored.topics);
    expect(logo("data:image/webp;base64,UklGRg==")).toEqual({ logo: "UklGRg==" });
    expect(logo(null)).toEqual({ logo: null });
  });

  test("has the names of topics as a whole", () => {
    const added = { topic: "offers", language: "GERMAN" as const, name: "Angebote" };
    expect(changesOf(stored, draftOf(stored), [...stored.topics, added])).toEqual({
      topics: [...stored.topics, added],
    });
    expect(changesOf(stored, draftOf(stored), [])).toEqual({ topics: [] });
  });
});

test("a logo is a small picture that every browser shows", () => {
  expect(logoProblem({ type: "image/png", size: MOST_BYTES })).toBeUndefined();
  expect(logoProblem({ type: "image/png", size: MOST_BYTES + 1 })).toBe("size");
  expect(logoProblem({ type: "image/svg+xml", size: 10 })).toBe("type");
  expect(logoProblem({ type: "", size: 10 })).toBe("type");
});
