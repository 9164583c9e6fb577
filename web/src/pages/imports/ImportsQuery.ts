import { type FragmentOf, graphql } from "../../api/graphql";

export const ImportFragment = graphql(`
  fragment Import on Import @_unmask {
    id
    fileName
    fileDigest
    kind
    state
    run
    lines
    appended
    already
    refused
    retracted
    kept
    startedAt
    completedAt
    undoneAt
    author {
      kind
      actor
      name
    }
  }
`);

export type ImportRow = FragmentOf<typeof ImportFragment>;

export const ImportsQuery = graphql(
  `
    query Imports($after: String, $before: String, $first: Int, $last: Int) {
      imports(after: $after, before: $before, first: $first, last: $last) {
        totalCount
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          ...Import
        }
      }
    }
  `,
  [ImportFragment],
);

export const ImportQuery = graphql(
  `
    query Import($id: ID!) {
      import(id: $id) {
        ...Import
      }
    }
  `,
  [ImportFragment],
);
