import { describe, expect, test } from "vitest";
import { arranged, filterOf, inboxUrl, matches } from "./inboxUrl";

const state = (params: Record<string, string>) => inboxUrl.parse(params);
const one = { state: "OPEN", channel: "SMS", assignee: null, unread: 1 } as const;

describe("a folder of the inbox", () => {
  test("holds what the API was asked for", () => {
    expect(matches(one, filterOf(state({}), "Ada"))).toBe(true);
    expect(matches({ ...one, state: "RESOLVED" }, filterOf(state({}), "Ada"))).toBe(false);
    expect(matches(one, filterOf(state({ channel: "EMAIL" }), "Ada"))).toBe(false);
    expect(matches({ ...one, unread: 0 }, filterOf(state({ unread: "1" }), "Ada"))).toBe(false);
  });

  test("of mine holds my own alone, and nothing without a name", () => {
    const mine = { ...one, assignee: "Ada" };
    expect(matches(mine, filterOf(state({ folder: "mine" }), "Ada"))).toBe(true);
    expect(matches(one, filterOf(state({ folder: "mine" }), "Ada"))).toBe(false);
    expect(matches(one, filterOf(state({ folder: "mine" }), undefined))).toBe(false);
    expect(matches(mine, filterOf(state({ folder: "unassigned" }), "Ada"))).toBe(false);
  });
});

describe("rows", () => {
  const row = (id: string, lastInboundAt: string, changedAt = lastInboundAt) => ({
    id,
    changedAt,
    lastInboundAt,
    lastOutboundAt: null,
  });

  test("that two pages share stand once, where they moved to", () => {
    const rows = [row("a", "2026-11-29T10:00:00Z"), row("b", "2026-11-29T09:00:00Z"), row("b", "2026-11-29T11:00:00Z")];
    expect(arranged(rows, "RECENTLY_ACTIVE").map(({ id }) => id)).toEqual(["b", "a"]);
    expect(arranged(rows, "NEWEST").map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("do not move when they are read", () => {
    const rows = [row("a", "2026-11-29T10:00:00Z"), row("b", "2026-11-29T09:00:00Z", "2026-11-29T12:00:00Z")];
    expect(arranged(rows, "RECENTLY_ACTIVE").map(({ id }) => id)).toEqual(["a", "b"]);
  });
});
