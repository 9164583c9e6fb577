import { graphql } from "../../../api/graphql";

export const AddListMembers = graphql(`
  mutation AddListMembers($listId: ID!, $customerIds: [ID!]!, $idempotencyKey: String) {
    addListMembers(listId: $listId, customerIds: $customerIds, idempotencyKey: $idempotencyKey) {
      list {
        id
        memberCount
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export const RemoveListMembers = graphql(`
  mutation RemoveListMembers($listId: ID!, $customerIds: [ID!]!, $idempotencyKey: String) {
    removeListMembers(listId: $listId, customerIds: $customerIds, idempotencyKey: $idempotencyKey) {
      list {
        id
        memberCount
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);
