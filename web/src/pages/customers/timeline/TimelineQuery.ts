import { graphql } from "../../../api/graphql";
import { EntryFragment } from "./Entry";

export const TimelineQuery = graphql(
  `
    query Timeline(
      $customerId: ID!
      $filter: TimelineFilterInput
      $at: DateTime
      $asOf: AsOfInput
      $after: String
      $before: String
      $first: Int
      $last: Int
    ) {
      timeline(
        customerId: $customerId
        filter: $filter
        at: $at
        asOf: $asOf
        after: $after
        before: $before
        first: $first
        last: $last
      ) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          id
          position
          occurredAt
          ...TimelineEntry
        }
      }
    }
  `,
  [EntryFragment],
);

/** What is new or has changed; the cache brings changes into the rows that are shown. */
export const TimelineChanges = graphql(
  `
    subscription TimelineChanges($customerId: ID!, $after: Position) {
      timeline(customerId: $customerId, after: $after) {
        id
        position
        ...TimelineEntry
      }
    }
  `,
  [EntryFragment],
);
