import { graphql, type ResultOf } from "../../../api/graphql";

export const FindCustomers = graphql(`
  query SendFindCustomers($search: String!) {
    customers(first: 8, filter: { search: $search }) {
      nodes {
        id
        name
        addresses {
          id
          kind
          address
          primary
        }
      }
    }
  }
`);

export const ReceiverQuery = graphql(`
  query SendReceiver($id: ID!) {
    customer(id: $id) {
      id
      name
    }
  }
`);

export const SendMessage = graphql(`
  mutation SendNotification($input: SendMessageInput!, $idempotencyKey: String) {
    sendMessage(input: $input, idempotencyKey: $idempotencyKey) {
      decision
      heldUntil
      rule
      messageId
      refusal {
        code
        message
        field
      }
    }
  }
`);

export const SegmentsQuery = graphql(`
  query SendSegments($input: PreviewTemplateInput!) {
    previewTemplate(input: $input) {
      preview {
        segments
        ucs2
      }
      refusal {
        code
      }
    }
  }
`);

export type Sent = ResultOf<typeof SendMessage>["sendMessage"];
