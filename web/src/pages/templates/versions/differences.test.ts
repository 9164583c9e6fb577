import { expect, test } from "vitest";
import { type Compared, differences } from "./differences";

const OLD: Compared = {
  defaultLocale: "en",
  variables: { shop: "A" },
  contents: [
    { locale: "en", texts: { email: { markup: "HTML", subject: "Hi", source: "<p>1</p>", text: null } } },
    { locale: "de", texts: { sms: { body: "Hallo" } } },
  ],
};

test("versions differ in what changed, came or went", () => {
  const changed: Compared = {
    ...OLD,
    variables: { shop: "B" },
    contents: [{ locale: "en", texts: { email: { markup: "HTML", subject: "Hi", source: "<p>2</p>", text: null } } }],
  };
  expect(differences(OLD, changed)).toEqual([
    { key: "EMAIL.en", field: "source", old: "<p>1</p>", changed: "<p>2</p>" },
    { key: "SMS.de", field: "body", old: "Hallo", changed: "" },
    { key: null, field: "variables", old: '{\n  "shop": "A"\n}', changed: '{\n  "shop": "B"\n}' },
  ]);
  expect(differences(OLD, OLD)).toEqual([]);
});
