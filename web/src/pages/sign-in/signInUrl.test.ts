import { describe, expect, test } from "vitest";
import { safeAddress } from "./signInUrl";

describe("the address after signing in", () => {
  test("is the page that was asked for", () => {
    expect(safeAddress("/customers?search=zo%C3%AB")).toBe("/customers?search=zo%C3%AB");
  });

  test.each([undefined, "", "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])(
    "is the start for %s",
    (next) => expect(safeAddress(next)).toBe("/"),
  );
});
