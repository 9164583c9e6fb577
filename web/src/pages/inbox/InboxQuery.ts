import { graphql, type ResultOf } from "../../api/graphql";

export const ConversationRowFragment = graphql(`
  fragment ConversationRow on Conversation {
    id
    state
    channel
    assignee
    priority
    unread
    snoozedUntil
    changedAt
    lastInboundAt
    lastOutboundAt
    waitingSince
    customerId
    customer {
      id
      name
      forgottenAt
    }
    lastMessage {
      id
      preview
      direction
    }
  }
`);

export type ConversationRow = ResultOf<typeof ConversationRowFragment>;

export const ConversationsQuery = graphql(
  `
    query Conversations(
      $filter: ConversationFilterInput
      $orderBy: ConversationOrder
      $after: String
      $before: String
      $first: Int
      $last: Int
    ) {
      conversations(filter: $filter, orderBy: $orderBy, after: $after, before: $before, first: $first, last: $last) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          ...ConversationRow
        }
      }
    }
  `,
  [ConversationRowFragment],
);

export const CountsQuery = graphql(`
  query InboxCounts($me: String!, $hasName: Boolean!) {
    inbox {
      all {
        open
        pending
        snoozed
        resolved
      }
      unassigned {
        open
        pending
      }
      assigned(assignee: $me) @include(if: $hasName) {
        open
        pending
      }
      byChannel {
        channel
        counts {
          open
        }
      }
      byAssignee {
        name
      }
    }
  }
`);

/** Each change of any conversation. */
export const InboxChanges = graphql(
  `
    subscription InboxChanges($after: Position) {
      inbox(after: $after) {
        position
        conversationId
        conversation {
          ...ConversationRow
        }
      }
    }
  `,
  [ConversationRowFragment],
);
