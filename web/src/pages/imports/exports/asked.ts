import type { VariablesOf } from "../../../api/graphql";
import { type EventsState, filterOf } from "../../audit/eventsUrl";
import type { Exportable, StartExport } from "./documents";
import type { ExportsState } from "./exportsUrl";

export const EVENTS = "events";

/** Whether an export can leave out personal data: rows of read models come whole as JSON. */
export const canBeImpersonal = ({ what, format }: ExportsState): boolean => what === EVENTS || format !== "JSONL";

/** What the API is asked for. */
export function inputOf(url: ExportsState, events: EventsState): VariablesOf<typeof StartExport>["input"] {
  const filter = filterOf(events);
  return {
    what: url.what,
    format: url.format === "SPREADSHEET" ? "CSV" : url.format,
    spreadsheet: url.format === "SPREADSHEET",
    withoutPersonalData: url.impersonal && canBeImpersonal(url),
    events: url.what === EVENTS && Object.keys(filter).length > 0 ? filter : undefined,
  };
}

/** The columns that the file will have. */
export function columnsOf(url: ExportsState, offered: Exportable): string[] {
  const isImpersonal = url.impersonal && canBeImpersonal(url);
  const hasTypes = url.format === "PARQUET" || isImpersonal;
  if (!hasTypes) return offered.columns;
  return offered.typedColumns.filter(({ isPersonal }) => !isPersonal || !isImpersonal).map(({ name }) => name);
}
