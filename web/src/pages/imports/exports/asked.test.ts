import { expect, test } from "vitest";
import { eventsUrl } from "../../audit/eventsUrl";
import { columnsOf, inputOf } from "./asked";
import { exportsUrl } from "./exportsUrl";

const offered = {
  name: "customers",
  question: null,
  columns: ["customer_id", "name", "addresses"],
  typedColumns: [
    { name: "customer_id", isPersonal: false },
    { name: "name", isPersonal: true },
  ],
};
const anything = eventsUrl.parse({});

test("a link says what is exported, and how", () => {
  const url = exportsUrl.parse({ what: "customers", format: "PARQUET", impersonal: "1" });
  expect(inputOf(url, anything)).toEqual({
    what: "customers",
    format: "PARQUET",
    spreadsheet: false,
    withoutPersonalData: true,
    events: undefined,
  });
  expect(columnsOf(url, offered)).toEqual(["customer_id"]);
  expect(columnsOf({ ...url, impersonal: false }, offered)).toEqual(["customer_id", "name"]);
  expect(columnsOf(exportsUrl.parse({}), offered)).toEqual(offered.columns);
});

test("filters are for events, and rows as JSON are whole", () => {
  const filter = eventsUrl.parse({ types: "MessageSent" });
  const events = inputOf(exportsUrl.parse({ what: "events", format: "JSONL", impersonal: "1" }), filter);
  expect(events).toMatchObject({ events: { types: ["MessageSent"] }, withoutPersonalData: true });
  const rows = inputOf(exportsUrl.parse({ format: "JSONL", impersonal: "1" }), filter);
  expect(rows).toMatchObject({ events: undefined, withoutPersonalData: false });
});
