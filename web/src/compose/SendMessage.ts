import { graphql } from "../api/graphql";

export const SendMessage = graphql(`
  mutation SendMessage($input: SendMessageInput!, $idempotencyKey: String) {
    sendMessage(input: $input, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      messageId
      decision
      rule
      heldUntil
      message {
        id
        state
      }
    }
  }
`);
