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
        growth {
          day
          entered
          left
        }
        usedBy {
          id
        }
      }
    }
  }
`);

export type ListRow = ResultOf<typeof ListsQuery>["lists"]["nodes"][number];
