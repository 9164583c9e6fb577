import { graphql, type ResultOf } from "../../api/graphql";

export const TemplatesQuery = graphql(`
  query Templates($search: String, $archived: Boolean!, $kind: TemplateKind) {
    templates(first: 200, search: $search, archived: $archived, kind: $kind) {
      code
      title
      kind
      class
      archived
      revision
      version
      changedAt
      changedBy {
        id
        name
      }
      contents {
        channel
        locale
      }
      versions(first: 1) {
        version
        revision
        publishedAt
      }
    }
  }
`);

export type TemplateRow = ResultOf<typeof TemplatesQuery>["templates"][number];

type Published = Pick<TemplateRow, "version" | "revision"> & { versions: { revision: number }[] };

/** Whether the draft was never published, differs from what was, or is the same. */
export function stateOf({ version, revision, versions }: Published): "DRAFT" | "CHANGED" | "PUBLISHED" {
  if (version === null) return "DRAFT";
  return versions[0]?.revision === revision ? "PUBLISHED" : "CHANGED";
}
