import { graphql, type ResultOf } from "../../../api/graphql";
import { ConversationRowFragment } from "../InboxQuery";

export const ThreadConversationQuery = graphql(
  `
    query ThreadConversation($id: ID!) {
      conversation(id: $id) {
        id
        ...ConversationRow
      }
    }
  `,
  [ConversationRowFragment],
);

export const ThreadEntryFragment = graphql(`
  fragment ThreadEntry on TimelineEntry {
    id
    kind
    occurredAt
    direction
    conversationId
    author {
      kind
      name
    }
    message {
      messageId
      state
      subject
      preview
      details {
        id
        body
        isAutomatic
        attachments {
          id
          name
          size
          state
          url
        }
      }
    }
    note {
      noteId
      text
    }
    conversation {
      state
      assignee
    }
  }
`);

export type ThreadEntry = ResultOf<typeof ThreadEntryFragment>;

/** The messages, private notes and changes of one conversation, newest first. */
export const ThreadQuery = graphql(
  `
    query Thread(
      $customerId: ID!
      $filter: TimelineFilterInput
      $after: String
      $before: String
      $first: Int
      $last: Int
    ) {
      timeline(customerId: $customerId, filter: $filter, after: $after, before: $before, first: $first, last: $last) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          id
          position
          ...ThreadEntry
        }
      }
    }
  `,
  [ThreadEntryFragment],
);

export const ThreadChanges = graphql(
  `
    subscription ThreadChanges($customerId: ID!, $after: Position) {
      timeline(customerId: $customerId, after: $after) {
        id
        position
        conversationId
        ...ThreadEntry
      }
    }
  `,
  [ThreadEntryFragment],
);

export const UpdateConversation = graphql(
  `
    mutation UpdateConversation(
      $customerId: ID!
      $conversationId: ID!
      $changes: ConversationPatch!
      $idempotencyKey: String
    ) {
      updateConversation(
        customerId: $customerId
        conversationId: $conversationId
        changes: $changes
        idempotencyKey: $idempotencyKey
      ) {
        refusal {
          code
          message
          field
        }
        conversation {
          ...ConversationRow
        }
      }
    }
  `,
  [ConversationRowFragment],
);
