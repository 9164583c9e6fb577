import { describe, expect, test } from "vitest";
import { type Draft, includedBy, inOrder, keyOf, namesAskedFor, newContent, replaceContent, textFor } from "./draft";

const DRAFT: Draft = {
  code: "hello",
  title: "Hello",
  kind: "MESSAGE",
  class: "MARKETING",
  defaultLocale: "en",
  variables: {},
  contents: [
    { locale: "en", texts: { sms: { body: "Hi" } } },
    { locale: "de", texts: { sms: { body: "Hallo" } } },
    { locale: "en", texts: { push: { title: "Hi", body: "You", link: null } } },
  ],
};

describe("the texts of a draft", () => {
  test("stand by channel, the default locale first", () => {
    expect(inOrder(DRAFT).map(keyOf)).toEqual(["SMS.en", "SMS.de", "PUSH.en"]);
  });

  test.each([
    ["de-AT", "SMS.de"],
    ["de", "SMS.de"],
    ["fr", "SMS.en"],
  ])("for %s is %s", (locale, key) => {
    const found = textFor(DRAFT, "SMS", locale);
    expect(found && keyOf(found)).toBe(key);
  });

  test("begin with those of another locale", () => {
    expect(newContent(DRAFT, "SMS", "de-AT")).toEqual({ locale: "de-AT", texts: { sms: { body: "Hallo" } } });
    expect(keyOf(newContent(DRAFT, "VOICE", "de"))).toBe("VOICE.de");
  });

  test("are replaced and removed one by one", () => {
    const removed = replaceContent(DRAFT, "SMS.de", undefined);
    expect(removed.contents.map(keyOf)).toEqual(["SMS.en", "PUSH.en"]);
  });
});

describe("what a text asks for", () => {
  const TEXT = `{% include 'header' %}{%- include "footer" -%}{{ customer_name | default: "you" }}
    {% for special in specials %}{{ special.name }}{% endfor %}{% assign x = 1 %}{{ x }}{% if order %}{{ order.number }}{% endif %}`;

  test("are names and partials, without those that the text makes itself", () => {
    expect(namesAskedFor(TEXT)).toEqual(["customer_name", "order", "specials"]);
    expect(includedBy(TEXT)).toEqual(["header", "footer"]);
  });
});
