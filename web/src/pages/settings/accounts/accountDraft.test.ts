import { describe, expect, test } from "vitest";
import type { Account, Provider } from "./AccountsQuery";
import { draftOf, fromMicros, inputOf, pricesOf, toMicros } from "./accountDraft";

describe("amounts in millionths", () => {
  test.each([
    ["0", "0"],
    ["7500", "0.0075"],
    ["1000000", "1"],
    ["12345678", "12.345678"],
  ])("%s is %s, and back", (micros, amount) => {
    expect(fromMicros(micros)).toBe(amount);
    expect(toMicros(amount)).toBe(micros);
  });

  test.each(["", "-1", "1e3", "0.0000001", "1,5"])("%s is no amount", (text) => {
    expect(toMicros(text)).toBeUndefined();
  });
});

describe("prices by country", () => {
  test("are read as people write them", () => {
    expect(pricesOf("gb=0.04,  US=0.0075")).toEqual([
      { country: "GB", micros: "40000" },
      { country: "US", micros: "7500" },
    ]);
  });

  test("none are none, and a wrong one is said", () => {
    expect(pricesOf(" ")).toEqual([]);
    expect(pricesOf("GB=0.04, Utopia=1")).toBeUndefined();
  });
});

const SMTP: Provider = {
  name: "smtp",
  title: "SMTP",
  channels: ["EMAIL"],
  limits: [],
  settings: [
    { name: "host", help: "", required: true, secret: false, defaultValue: null },
    { name: "port", help: "", required: false, secret: false, defaultValue: "587" },
    { name: "password", help: "", required: false, secret: true, defaultValue: null },
  ],
};

describe("an account's form", () => {
  test("gives back what it was filled with, and no secret that was not typed", () => {
    const account = {
      provider: "smtp",
      name: "main",
      settings: [{ name: "host", value: "mail.example" }],
      secrets: ["password"],
      priority: 2,
      perSecond: 0.5,
      unit: "MESSAGES",
      costMicros: "400",
      routing: { share: 3, countries: ["AT"], domains: [], prices: [{ country: "GB", micros: "40000" }] },
    } as unknown as Account;
    expect(inputOf(draftOf(account), SMTP)).toEqual({
      provider: "smtp",
      name: "main",
      settings: [{ name: "host", value: "mail.example" }],
      secrets: [],
      priority: 2,
      perSecond: 0.5,
      unit: "MESSAGES",
      costMicros: "400",
      routing: { share: 3, countries: ["AT"], domains: [], prices: [{ country: "GB", micros: "40000" }] },
    });
  });

  test("leaves out what is empty", () => {
    const draft = {
      ...draftOf(),
      name: "main",
      settings: { host: " mail.example ", port: " " },
      secrets: { password: "x" },
    };
    expect(inputOf(draft, SMTP)).toMatchObject({
      settings: [{ name: "host", value: "mail.example" }],
      secrets: [{ name: "password", value: "x" }],
    });
  });
});
