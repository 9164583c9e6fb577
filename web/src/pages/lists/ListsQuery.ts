import { graphql, type ResultOf } from "../../api/graphql";

export const ListsQuery = graphql(`
  query Lists($after: String, $before: String, $first: Int, $last: Int) {
    lists(after: $after, before: $before, first: $first, last: $last) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        name
        kind
        memberCount
        isEvaluating
        changedAt
        usedBy {
          id
        }
      }
    }
  }
`);

export type ListRow = ResultOf<typeof ListsQuery>["lists"]["nodes"][number];

/** How the same lists grew: asked for by itself, as large lists have many changes, and the rows need not wait for them. */
export const ListsGrowthQuery = graphql(`
  query ListsGrowth($after: String, $before: String, $first: Int, $last: Int) {
    lists(after: $after, before: $before, first: $first, last: $last) {
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        growth {
          day
          entered
          left
        }
      }
    }
  }
`);

export type GrowthRow = ResultOf<typeof ListsGrowthQuery>["lists"]["nodes"][number];
