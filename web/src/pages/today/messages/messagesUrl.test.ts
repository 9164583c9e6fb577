import { describe, expect, test } from "vitest";
import { filterOf, messagesUrl, momentOf } from "./messagesUrl";

describe("the moments of a filter", () => {
  test("of a day are its beginning and the next day's", () => {
    const [since, until] = [momentOf("2026-05-31", "begins"), momentOf("2026-05-31", "ends")];
    expect(new Date(until ?? "").getTime() - new Date(since ?? "").getTime()).toBe(86_400_000);
  });

  test("stay as they are when they are exact", () => {
    expect(momentOf("2026-05-31T10:00:00.000Z", "ends")).toBe("2026-05-31T10:00:00.000Z");
  });

  test.each([undefined, "", "soon", "2026-99-99"])("%s is none", (text) => {
    expect(momentOf(text, "begins")).toBeUndefined();
  });
});

test("the filter asks only for what is chosen", () => {
  expect(filterOf(messagesUrl.parse({ states: "HELD,NONSENSE", channels: "SMS" }))).toEqual({
    states: ["HELD"],
    channels: ["SMS"],
  });
});
