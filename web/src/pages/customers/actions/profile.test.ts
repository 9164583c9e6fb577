import { expect, test } from "vitest";
import { patchOf, writtenOf } from "./profile";

const before = writtenOf({
  id: "Customer:1",
  name: "Ada",
  locale: "en",
  timeZone: null,
  preferredHours: null,
  territory: "North",
  industry: null,
  accountType: null,
  priority: null,
  owner: null,
  leadScore: "12",
  tags: ["vip", "trade"],
});

test("only what was changed is sent, and what was emptied is cleared", () => {
  expect(patchOf(before, before)).toEqual({});
  expect(patchOf(before, { ...before, name: " Ada Byron ", territory: "" })).toEqual({
    name: "Ada Byron",
    territory: null,
  });
});

test("tags that others changed meanwhile stay", () => {
  expect(patchOf(before, { ...before, tags: "trade, new, , new" })).toEqual({ addTags: ["new"], removeTags: ["vip"] });
});
