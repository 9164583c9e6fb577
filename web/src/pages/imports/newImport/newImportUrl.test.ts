import { expect, test } from "vitest";
import { inputOf, newImportUrl, pairs, withPair } from "./newImportUrl";

test("columns keep their names, whatever these hold", () => {
  const list = withPair(withPair([], "a=b, c", "email"), "Name", "name");
  expect(pairs(list)).toEqual([
    ["a=b, c", "email"],
    ["Name", "name"],
  ]);
  expect(pairs(withPair(list, "a=b, c", "ignore"))).toContainEqual(["a=b, c", "ignore"]);
  expect(pairs(withPair(list, "Name", undefined))).toEqual([["a=b, c", "email"]]);
});

test("the API is asked for what the URL says, and for nothing that it cannot say", () => {
  const state = newImportUrl.parse({
    kind: "ORDERS",
    columns: "Order no=order",
    consents: "EMAIL=OPTED_OUT,FAX=OPTED_OUT,SMS=?",
  });
  expect(inputOf(state, "f")).toMatchObject({
    fileId: "f",
    kind: "ORDERS",
    mappings: [{ column: "Order no", field: "order" }],
    consents: [{ channel: "EMAIL", state: "OPTED_OUT" }],
    collisions: [],
  });
  expect(inputOf({ ...state, rule: "OVERWRITE" }, "f").collisions).toEqual([{ rule: "OVERWRITE" }]);
});
