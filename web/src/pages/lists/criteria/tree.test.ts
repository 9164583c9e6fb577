import { describe, expect, test } from "vitest";
import { toInput } from "./input";
import { mistakeAt } from "./places";
import { changePart, fromJson, gapsOf, NotCriteria, newRule, ruleCount, toJson } from "./tree";

const ALL = {
  all: [
    { allInTerritory: { territory: "West" } },
    { not: { hasEmail: true } },
    { hasPhone: false },
    { any: [{ leadScore: { min: 10 } }, { not: { any: [{ tags: { anyOf: ["wine", "food"] } }] } }] },
    { consent: { channel: "email", state: "opted_in", topic: "news" } },
    { contact: { direction: "inbound", channel: "in_app" } },
    { engagement: { kind: "clicked", atLeast: 2 } },
    { custom: { accountPriority: "A" } },
    { custom: { city: ["Graz", "Wien"] } },
    { field: { name: "age", min: 18.5 } },
    { field: { name: "vip", equals: true } },
    { noOrderInDays: { days: 30, orderedBefore: true } },
    { revenue: { min: "10.00", currency: "EUR" } },
    { bucket: { from: 0, to: 10 } },
  ],
};

describe("the tree of criteria", () => {
  test("comes back as the same JSON", () => {
    expect(toJson(fromJson(ALL))).toEqual(ALL);
    expect(ruleCount(fromJson(ALL))).toBe(15);
  });

  test("has a group as root, whatever was written", () => {
    expect(toJson(fromJson({ has_email: true }))).toEqual({ all: [{ hasEmail: true }] });
    expect(toJson(fromJson({ not: { any: [{ hasEmail: true }] } }))).toEqual({ not: { any: [{ hasEmail: true }] } });
  });

  test("takes several fields of one criterion apart", () => {
    const several = { not: { custom: { a: "1", b: ["2"] } } };
    expect(toJson(fromJson(several))).toEqual({ not: { all: [{ custom: { a: "1" } }, { custom: { b: "2" } }] } });
  });

  test.each([
    [{}, "criteria"],
    [{ all: [{ leadScroe: {} }] }, "criteria.all[0]"],
    [{ all: { hasEmail: true } }, "criteria.all"],
    [{ any: [{ leadScore: { mni: 1 } }] }, "criteria.any[0].leadScore"],
  ])("%j is refused at %s", (json, path) => {
    expect(() => fromJson(json)).toThrow(NotCriteria);
    expect(() => fromJson(json)).toThrow(path);
  });

  test("knows which fields are still empty", () => {
    const root = fromJson({ all: [{ noOrderInDays: {} }, { tags: {} }] });
    expect(gapsOf(root)).toEqual([{ id: root.parts[0]?.id, name: "days" }]);
  });

  test("changes and removes one part", () => {
    const root = fromJson({ all: [{ any: [{ hasEmail: true }] }, { hasPhone: true }] });
    const [group, phone] = root.parts;
    const added = changePart(root, group?.id ?? "", (part) =>
      part.type === "group" ? { ...part, parts: [...part.parts, newRule("leadScore", { min: 1 })] } : part,
    );
    const removed = changePart(added, phone?.id ?? "", () => undefined);
    expect(toJson(removed)).toEqual({ all: [{ any: [{ hasEmail: true }, { leadScore: { min: 1 } }] }] });
  });
});

describe("the input of the API", () => {
  test("has choices in capitals and all else as in JSON", () => {
    const root = fromJson({
      all: [{ not: { contact: { direction: "inbound", channel: "in_app" } } }, { custom: { a: "sms" } }],
    });
    expect(toInput(root)).toEqual({
      all: [{ not: { contact: { direction: "INBOUND", channel: "IN_APP" } } }, { custom: { a: "sms" } }],
    });
  });
});

describe("a refusal's path", () => {
  const root = fromJson({ all: [{ hasEmail: true }, { not: { any: [{ revenue: { min: "10", max: "5" } }] } }] });
  const group = root.parts[1];
  const revenue = group?.type === "group" ? group.parts[0] : undefined;

  test("leads to the field at fault", () => {
    const path = "criteria.all[1].not.any[0].revenue.max";
    expect(mistakeAt(root, path, `${path}: is less than min`)).toEqual({
      id: revenue?.id,
      name: "max",
      message: "is less than min",
    });
  });

  test("leads to a group", () => {
    const path = "criteria.all[1].not.any";
    expect(mistakeAt(root, path, `${path}: must have one`)).toMatchObject({ id: group?.id, message: "must have one" });
  });

  test("leads to the root where it leads nowhere else", () => {
    expect(mistakeAt(root, "criteria", "too deep").id).toBe(root.id);
  });
});
