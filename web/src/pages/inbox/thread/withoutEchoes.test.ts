import { expect, test } from "vitest";
import { withoutEchoes } from "./withoutEchoes";

const change = (state: string, assignee: string | null = null) => ({ conversation: { state, assignee } });
const message = { conversation: null };

test("changes that change nothing are left out", () => {
  const read = change("OPEN");
  expect(withoutEchoes([read, message])).toEqual([message]);
  const entries = [change("RESOLVED", "Ada"), message, change("OPEN", "Ada"), change("OPEN", "Ada"), read];
  expect(withoutEchoes(entries)).toEqual([entries[0], message, entries[3]]);
});
