import { graphql, type ResultOf } from "../../api/graphql";

export const MessageQuery = graphql(`
  query Message($id: ID!) {
    message(id: $id) {
      id
      customerId
      customer {
        id
        name
        forgottenAt
      }
      channel
      direction
      state
      class
      topic
      subject
      body
      html
      from
      to
      received {
        html
      }
      attachments {
        id
        name
        size
        state
        url
      }
      automatic
      author {
        kind
        name
        id
      }
      createdAt
      sendAt
      heldUntil
      retryAt
      conversationId
      inReplyTo
      about
      campaignId
      variant
      template {
        code
        version
        locale
      }
      provider
      account
      providerMessageId
      segments
      cost {
        amount
        currency
      }
      call {
        result
        seconds
      }
      milestones {
        state
        count
        firstAt
      }
      reasons {
        eventId
        state
        reason
        inputs
        class
        code
        detail
        until
        occurredAt
      }
      opens {
        human
        machine
        total
      }
      clicks {
        human
        machine
        total
      }
    }
  }
`);

export type MessageData = NonNullable<ResultOf<typeof MessageQuery>["message"]>;

/** Every entry of the log about a message, oldest first. */
export const HistoryQuery = graphql(`
  query MessageHistory($id: ID!, $after: String, $before: String, $first: Int, $last: Int) {
    message(id: $id) {
      id
      history(after: $after, before: $before, first: $first, last: $last) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          id
          type
          occurredAt
          actor
          data
        }
      }
    }
  }
`);

export type LogEntry = NonNullable<ResultOf<typeof HistoryQuery>["message"]>["history"]["nodes"][number];

/** Says when something about one of the customer's messages is new. */
export const MessageChanges = graphql(`
  subscription MessageChanges($customerId: ID!, $after: Position) {
    timeline(customerId: $customerId, after: $after) {
      id
      position
      message {
        messageId
        state
      }
    }
  }
`);

export const CancelMessage = graphql(`
  mutation CancelMessage($customerId: ID!, $messageId: ID!, $reason: String!, $idempotencyKey: String) {
    cancelMessage(customerId: $customerId, messageId: $messageId, reason: $reason, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      messageId
    }
  }
`);

export const ResolveInDoubt = graphql(`
  mutation ResolveInDoubt($customerId: ID!, $messageId: ID!, $resolution: Resolution!, $idempotencyKey: String) {
    resolveInDoubt(
      customerId: $customerId
      messageId: $messageId
      resolution: $resolution
      idempotencyKey: $idempotencyKey
    ) {
      refusal {
        code
        message
        field
      }
      messageId
    }
  }
`);
