import { describe, expect, test } from "vitest";
import type { AnyTexts, Draft } from "../draft/draft";
import { placeIn, previewed, valuesFor, valuesOf } from "./values";

describe("values of a preview", () => {
  test("are examples unless the URL has an object", () => {
    expect(valuesOf(undefined)).toHaveProperty("customer_name");
    expect(valuesOf('{"a":1}')).toEqual({ a: 1 });
    expect(valuesOf("[1]")).toBeUndefined();
    expect(valuesOf("{")).toBeUndefined();
  });

  test("leave a customer's own values to the customer", () => {
    expect(valuesFor({ customer_name: "Ada", offer: "x" }, true)).toEqual({ offer: "x" });
    expect(valuesFor({ customer_name: "Ada" }, false)).toEqual({ customer_name: "Ada" });
  });
});

describe("a partial's preview", () => {
  const partial = (source: string): Draft => ({
    code: "p",
    title: "P",
    kind: "PARTIAL",
    contents: [{ locale: "en", texts: { email: { markup: "MJML", subject: "", source } } }],
  });

  test.each([
    ["<mj-section></mj-section>", "<mjml><mj-body><mj-section></mj-section></mj-body></mjml>"],
    ["<mj-head></mj-head>", "<mjml><mj-head></mj-head><mj-body></mj-body></mjml>"],
    ["<mj-style></mj-style>", "<mjml><mj-head><mj-style></mj-style></mj-head><mj-body></mj-body></mjml>"],
  ])("puts what a mail needs around %s", (source, whole) => {
    const draft = partial(source);
    const [content] = draft.contents;
    const texts: AnyTexts = (content && previewed(draft, content).contents[0]?.texts) ?? {};
    expect(texts.email?.source).toBe(whole);
  });
});

test("a refusal's place is read from its words", () => {
  expect(placeIn("body, line 2, column 18: has no value")).toEqual({
    field: "body",
    line: 2,
    column: 18,
    words: "has no value",
  });
  expect(placeIn("no such template")).toBeUndefined();
});
