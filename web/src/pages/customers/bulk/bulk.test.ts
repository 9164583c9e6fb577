import { expect, test } from "vitest";
import { keepJob, keptJob, patchFor } from "./bulk";

test("a change of several customers says what each gets", () => {
  expect(patchFor({ field: "addTag", value: "vip" })).toEqual({ addTags: ["vip"] });
  expect(patchFor({ field: "removeTag", value: "vip" })).toEqual({ removeTags: ["vip"] });
  expect(patchFor({ field: "owner", value: "" })).toEqual({ owner: null });
});

test("a job survives a reload, and what is no job is left out", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const job = { field: "addTag", value: "vip", ids: ["Customer:1"], done: 0, refused: 0, key: "k" } as const;
  keepJob({ ...job, ids: [...job.ids] }, storage);
  expect(keptJob(storage)).toEqual(job);
  keepJob(undefined, storage);
  expect(keptJob(storage)).toBeUndefined();
  storage.setItem("commlog.bulk.customers", '{"field":"name"}');
  expect(keptJob(storage)).toBeUndefined();
});
