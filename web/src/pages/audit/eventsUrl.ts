import { flag, optional, urlState, words } from "../../url/urlState";
import type { EventFilter } from "./EventsQuery";
import { streamOf } from "./streams";

export const eventsUrl = urlState({
  types: words(),
  stream: optional(),
  customer: optional(),
  actor: optional(),
  correlation: optional(),
  /** Days of the person's clock, such as 2026-05-31; both are included. */
  since: optional(),
  until: optional(),
  /** New events come in by themselves. */
  live: flag(),
});

export type EventsState = ReturnType<typeof eventsUrl.parse>;

/** The beginning of a day, or of the one after so many days; undefined for what is no day. */
function startOf(day: string | undefined, after = 0): string | undefined {
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + after);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** What the API is asked for. */
export function filterOf(state: EventsState): EventFilter {
  const filter: EventFilter = {
    types: state.types.length > 0 ? state.types : undefined,
    stream: state.stream ? streamOf(state.stream) : undefined,
    customerId: state.customer,
    actor: state.actor,
    correlationId: state.correlation,
    since: startOf(state.since),
    until: startOf(state.until, 1),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
