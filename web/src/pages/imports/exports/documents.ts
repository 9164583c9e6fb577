import { type FragmentOf, graphql, type ResultOf } from "../../../api/graphql";

export const ExportFragment = graphql(`
  fragment Export on Export @_unmask {
    id
    what
    format
    spreadsheet
    withoutPersonalData
    isSelection
    state
    author {
      kind
      id
      actor
      name
    }
    askedAt
    endedAt
    rows
    total
    percent
    bytes
    expiresAt
    url
    problem
  }
`);

export type Export = FragmentOf<typeof ExportFragment>;

export const ExportsQuery = graphql(
  `
    query Exports {
      exports {
        ...Export
      }
      exportables {
        name
        question
        columns
        typedColumns {
          name
          isPersonal
        }
      }
    }
  `,
  [ExportFragment],
);

export type Exportable = ResultOf<typeof ExportsQuery>["exportables"][number];

export const ExportProgress = graphql(
  `
    subscription ExportProgress($id: ID!) {
      exportProgress(id: $id) {
        ...Export
      }
    }
  `,
  [ExportFragment],
);

export const StartExport = graphql(
  `
    mutation StartExport($input: ExportInput!, $idempotencyKey: String) {
      startExport(input: $input, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        export {
          ...Export
        }
      }
    }
  `,
  [ExportFragment],
);

export const RemoveExport = graphql(`
  mutation RemoveExport($id: ID!, $idempotencyKey: String) {
    removeExport(id: $id, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
    }
  }
`);
