import { flag, oneOf, text, urlState } from "../../../url/urlState";

/** How a file is written, as people choose it: CSV comes in two kinds. */
export const FORMATS = ["SPREADSHEET", "CSV", "JSONL", "PARQUET"] as const;

/** What is exported; of events, `eventsUrl` says which. */
export const exportsUrl = urlState({
  what: text("customers"),
  format: oneOf(FORMATS, "SPREADSHEET"),
  impersonal: flag(),
});

export type ExportsState = ReturnType<typeof exportsUrl.parse>;
