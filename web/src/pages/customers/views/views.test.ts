import { expect, test } from "vitest";
import { readViews, withView, writeViews } from "./views";

function storage(begun: Record<string, string> = {}) {
  const kept = new Map(Object.entries(begun));
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test("views are kept for each tenant", () => {
  const browser = storage();
  writeViews("a", [{ name: "VIP", params: { tags: "vip" } }], browser);
  expect(readViews("a", browser)).toEqual([{ name: "VIP", params: { tags: "vip" } }]);
  expect(readViews("b", browser)).toEqual([]);
});

test("what cannot be read is no view", () => {
  expect(readViews("a", storage({ "commlog.views.customers.a": "{" }))).toEqual([]);
  expect(
    readViews("a", storage({ "commlog.views.customers.a": '[{"name":1},{"name":"x","params":{"a":1}}]' })),
  ).toEqual([]);
});

test("a view takes the place of one of the same name", () => {
  const views = withView(
    [
      { name: "b", params: {} },
      { name: "a", params: {} },
    ],
    { name: "b", params: { search: "x" } },
  );
  expect(views).toEqual([
    { name: "a", params: {} },
    { name: "b", params: { search: "x" } },
  ]);
});
