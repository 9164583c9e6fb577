import { type FragmentOf, graphql } from "../../../api/graphql";

export const KeyFragment = graphql(`
  fragment Key on ApiKey @_unmask {
    id
    label
    role
    send
    personal
    actsForUsers
    issuedAt
    expiresAt
    revokedAt
    user {
      id
      name
    }
  }
`);

export type Key = FragmentOf<typeof KeyFragment>;

export const KeysQuery = graphql(
  `
    query Keys {
      apiKeys {
        ...Key
      }
    }
  `,
  [KeyFragment],
);
