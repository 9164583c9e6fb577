import { describe, expect, test } from "vitest";
import { colourOf, inkOn, marksOf, readableOn } from "./palette";

describe("colours", () => {
  test.each([
    ["#7A1F3D", "#7a1f3d"],
    [" fc0 ", "#ffcc00"],
    ["7a1f3d", "#7a1f3d"],
  ])("%s is %s", (text, colour) => {
    expect(colourOf(text)).toBe(colour);
  });

  test.each(["", "#", "#12", "#12345", "red", "#ggg", "##123456"])("%s is none", (text) => {
    expect(colourOf(text)).toBeUndefined();
  });

  test("the text on a colour is black or white", () => {
    expect(inkOn("#ffe000")).toBe("#000000");
    expect(inkOn("#7a1f3d")).toBe("#ffffff");
  });

  test("a colour that can be read stays, another one is moved until it can", () => {
    expect(readableOn("#7a1f3d", "#ffffff")).toBe("#7a1f3d");
    // As the server computes them.
    expect(marksOf("#ffe000")).toEqual({ day: "#7f7000", night: "#ffe000" });
    expect(marksOf("#000000").day).toBe("#000000");
    expect(marksOf("#000000").night).not.toBe("#000000");
  });
});
