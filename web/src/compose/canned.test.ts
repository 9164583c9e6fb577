import { describe, expect, test } from "vitest";
import { bodyFor, filled } from "./canned";

describe("a canned reply", () => {
  const values = {
    "customer.name": "Ada",
    "customer.territory": null,
    "agent.name": "Sam",
    attributes: { plan: "gold", "size of shop": 3 },
  };

  test("is filled with what is known of the customer and the agent", () => {
    expect(filled("Dear {{customer.name|there}}, {{ agent.name }} here.", values)).toBe("Dear Ada, Sam here.");
    expect(filled("{{customer.attributes.plan}} {{customer.attributes.size of shop}}", values)).toBe("gold 3");
  });

  test("falls back where nothing is known, and otherwise keeps what the agent has to replace", () => {
    expect(filled("In {{customer.territory|your region}}", values)).toBe("In your region");
    expect(filled("{{customer.owner}} {{constructor}}", values)).toBe("{{customer.owner}} {{constructor}}");
  });

  test("is taken in the customer's language, the wider one, or the default", () => {
    const reply = {
      defaultLocale: "en",
      bodies: [
        { locale: "en", body: "Hello" },
        { locale: "de", body: "Hallo" },
      ],
    };
    expect(bodyFor(reply, "de-AT")).toBe("Hallo");
    expect(bodyFor(reply, "fr")).toBe("Hello");
    expect(bodyFor(reply, null)).toBe("Hello");
  });
});
