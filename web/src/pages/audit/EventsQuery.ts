import { graphql, type ResultOf, type VariablesOf } from "../../api/graphql";
import type { Connection } from "../../api/PagedQuery";

/** The log is read from its end: what the page calls the first entries are the log's last. */
export const EventsQuery = graphql(`
  query Events($filter: EventFilterInput, $after: String, $before: String, $first: Int, $last: Int) {
    events(filter: $filter, before: $after, after: $before, last: $first, first: $last) {
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        type
        stream
        version
        actor
        author {
          kind
          id
          name
        }
        position
        recordedAt
        personalPart
        data
      }
    }
  }
`);

export type EventRow = ResultOf<typeof EventsQuery>["events"]["nodes"][number];
export type EventFilter = NonNullable<VariablesOf<typeof EventsQuery>["filter"]>;

/** The entries of the log as a list that begins with the newest. */
export function newestFirst({ events }: ResultOf<typeof EventsQuery>): Connection<EventRow> {
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = events.pageInfo;
  return {
    nodes: events.nodes.toReversed(),
    pageInfo: {
      hasNextPage: hasPreviousPage,
      hasPreviousPage: hasNextPage,
      startCursor: endCursor,
      endCursor: startCursor,
    },
  };
}
