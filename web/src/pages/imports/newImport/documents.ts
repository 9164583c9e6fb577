import { type FragmentOf, graphql } from "../../../api/graphql";

export const RunFragment = graphql(`
  fragment ImportRun on ImportRun @_unmask {
    id
    kind
    isDryRun
    fileName
    state
    lines
    importId
    refusedUrl
    problem {
      code
      message
      columns
    }
    figures {
      linesRead
      rows
      taken
      already
      corrected
      appended
      registered
      joined
      optOuts
      refused
      refusals {
        reason
        count
        firstLine
      }
      leftOut {
        reason
        count
        firstLine
      }
    }
  }
`);

export type Run = FragmentOf<typeof RunFragment>;

export const PreviewQuery = graphql(`
  query PreviewImport($input: ImportInput!) {
    previewImport(input: $input, first: 20) {
      system
      lines
      notUtf8From
      columns {
        name
        field
        samples
      }
      rows {
        line
        text
        refusal
      }
      problem {
        code
        message
        columns
      }
    }
  }
`);

export const FileQuery = graphql(`
  query ImportFile($id: ID!, $kind: ImportKind!) {
    importFile(id: $id) {
      id
      name
      bytes
    }
    importFields(kind: $kind) {
      name
      meaning
    }
  }
`);

export const RunQuery = graphql(
  `
    query ImportRun($id: ID!) {
      importRun(id: $id) {
        ...ImportRun
      }
    }
  `,
  [RunFragment],
);

export const RunProgress = graphql(
  `
    subscription ImportProgress($id: ID!) {
      importProgress(runId: $id) {
        ...ImportRun
      }
    }
  `,
  [RunFragment],
);

export const DryRun = graphql(
  `
    mutation DryRunImport($input: ImportInput!, $idempotencyKey: String) {
      dryRunImport(input: $input, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        run {
          ...ImportRun
        }
      }
    }
  `,
  [RunFragment],
);

export const StartImport = graphql(
  `
    mutation StartImport($input: ImportInput!, $idempotencyKey: String) {
      startImport(input: $input, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        run {
          ...ImportRun
        }
      }
    }
  `,
  [RunFragment],
);

export const StopRun = graphql(
  `
    mutation StopImportRun($runId: ID!, $idempotencyKey: String) {
      stopImportRun(runId: $runId, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        run {
          ...ImportRun
        }
      }
    }
  `,
  [RunFragment],
);
