import { useMemo, useSyncExternalStore } from "react";
import { type AnyVariables, type TypedDocumentNode, useClient } from "urql";
import { type Connection, PagedQuery } from "./PagedQuery";

type PageVariables = "after" | "before" | "first" | "last";

interface Options<Data, Row, Start> {
  /** Where in the data the rows are. */
  connection: (data: Data) => Connection<Row> | null | undefined;
  /** Rows a page, at most 200. */
  size?: number;
  /** Variables of the first page alone, such as the moment to jump to. */
  start?: Start;
}

/**
 * Reads a connection page by page as one scrolls. The document takes `$after: String, $before: String, $first: Int,
 * $last: Int` and selects `nodes` and `pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`.
 */
export function usePages<Data, Variables extends AnyVariables, Row>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Omit<Variables, PageVariables>,
  options: Options<Data, Row, Partial<Omit<Variables, PageVariables>>>,
) {
  const client = useClient();
  const { connection, size = 50, start = {} } = options;
  const key = JSON.stringify([variables, start, size]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: variables are compared by what they hold, not by identity
  const query = useMemo(
    () =>
      new PagedQuery<Data, Row>(
        client,
        document as TypedDocumentNode<Data, AnyVariables>,
        variables,
        start,
        connection,
        size,
      ),
    [client, document, key],
  );
  const pages = useSyncExternalStore(query.subscribe, query.current);
  return { ...pages, loadMore: query.loadMore, loadNewer: query.loadNewer, reload: query.reload };
}
