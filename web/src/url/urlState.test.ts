import { describe, expect, test } from "vitest";
import { flag, oneOf, optional, parseSearch, someOf, stringifySearch, text, urlState, words } from "./urlState";

const url = urlState({
  search: text(),
  order: oneOf(["NEWEST", "OLDEST"], "NEWEST"),
  tags: words(),
  columns: someOf(["a", "b", "c"], ["a"]),
  owner: optional(),
  pinned: flag(),
});

const STATE = {
  search: "zoë & co",
  order: "OLDEST" as const,
  tags: ["a,b", "100%", "日本"],
  columns: ["a" as const, "c" as const],
  owner: "mara",
  pinned: true,
};

describe("the state in the URL", () => {
  test("comes back as it was written", () => {
    expect(url.parse(parseSearch(stringifySearch(url.params(STATE))))).toEqual(STATE);
  });

  test("leaves defaults out", () => {
    expect(stringifySearch(url.params(url.parse({})))).toBe("");
  });

  test("takes the default for what the URL cannot hold", () => {
    const parsed = url.parse({ order: "SIDEWAYS", columns: "x,c", tags: "%E0%A4%A" });
    expect(parsed).toMatchObject({ order: "NEWEST", columns: ["c"], tags: ["%E0%A4%A"] });
  });

  test("a change keeps what others put there", () => {
    expect(url.changed({ tab: "2", search: "x" }, { search: "" })).toEqual({ tab: "2" });
  });

  test("no column at all is another state than the default", () => {
    expect(url.parse(url.params({ columns: [] })).columns).toEqual([]);
  });
});
