import { graphql, type ResultOf } from "../../../api/graphql";

export const MessagesQuery = graphql(`
  query Messages($filter: MessageFilterInput, $after: String, $before: String, $first: Int, $last: Int) {
    messages(filter: $filter, after: $after, before: $before, first: $first, last: $last) {
      totalCount
      totalCountIsExact
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        createdAt
        channel
        direction
        state
        subject
        preview
        campaignId
        heldUntil
        reasons {
          code
          reason
        }
        customer {
          id
          name
          forgottenAt
        }
      }
    }
  }
`);

export type MessageRow = ResultOf<typeof MessagesQuery>["messages"]["nodes"][number];
