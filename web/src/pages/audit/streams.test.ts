import { describe, expect, test } from "vitest";
import { eventsUrl, filterOf } from "./eventsUrl";
import { streamOf } from "./streams";

const KEY = "2065af16-c929-8fdd-bf8e-f091905a2406";

describe("a stream's name", () => {
  test("is its category and key", () => {
    expect(streamOf(`customer-${KEY}`)).toEqual({ category: "CUSTOMER", key: KEY });
    expect(streamOf(` campaign_run-${KEY.toUpperCase()}`)).toEqual({ category: "CAMPAIGN_RUN", key: KEY });
  });

  test.each(["", "customer", `pigeon-${KEY}`, "customer-1"])("“%s” is none", (name) => {
    expect(streamOf(name)).toBeUndefined();
  });
});

describe("the filter of events", () => {
  test("asks for whole days of the person's clock", () => {
    const filter = filterOf(eventsUrl.parse({ since: "2026-05-01", until: "2026-05-02" }));
    expect(new Date(filter.until ?? "").getTime() - new Date(filter.since ?? "").getTime()).toBe(2 * 86_400_000);
  });

  test("leaves out what is no stream and no day", () => {
    const filter = filterOf(eventsUrl.parse({ stream: "x", since: "yesterday" }));
    expect(filter).toEqual({});
  });
});
