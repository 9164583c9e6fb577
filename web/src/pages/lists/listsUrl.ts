import { oneOf, optional, optionalOneOf, text, urlState } from "../../url/urlState";

export const listsUrl = urlState({
  search: text(),
  kind: optionalOneOf(["SMART", "STATIC"]),
});

const VIEWS = ["rows", "json"] as const;

export const newListUrl = urlState({
  kind: oneOf(["SMART", "STATIC"], "SMART"),
  name: text(),
  /** Criteria that are not saved yet, as JSON: they survive a reload and can be sent to a colleague. */
  criteria: optional(),
  view: oneOf(VIEWS, "rows"),
});

export const DAYS = ["30", "90", "365"] as const;

export const listUrl = urlState({
  tab: oneOf(["members", "criteria", "changes", "growth", "explain"], "members"),
  criteria: optional(),
  view: oneOf(VIEWS, "rows"),
  /** The days that changes are shown of, such as 2026-05-31. */
  since: optional(),
  until: optional(),
  days: oneOf(DAYS, "90"),
  /** Whose membership is explained, as UUID. */
  customer: optional(),
});

export type ListState = ReturnType<typeof listUrl.parse>;
export type ListTab = ListState["tab"];

/** The moment when a day begins on the person's clock, or that many days later. */
export function dayBegins(day: string | undefined, later = 0): string | undefined {
  if (!day || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const at = new Date(`${day}T00:00:00`);
  if (Number.isNaN(at.getTime())) return undefined;
  at.setDate(at.getDate() + later);
  return at.toISOString();
}
