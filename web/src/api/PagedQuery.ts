import type { AnyVariables, Client, CombinedError, OperationResult, TypedDocumentNode } from "urql";

export interface Connection<Row> {
  nodes: Row[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  totalCount?: number;
  totalCountIsExact?: boolean;
}

/** Where a page begins. */
interface Bounds {
  after?: string;
  before?: string;
  first?: number;
  last?: number;
}

interface Page<Data> {
  bounds: Bounds;
  result?: OperationResult<Data>;
  stop?: () => void;
}

export interface Pages<Row> {
  rows: Row[];
  /** Null where it was not asked for. */
  total: { count: number; isExact: boolean } | null;
  /** The first rows are still being read. */
  isLoading: boolean;
  isLoadingMore: boolean;
  hasMore: boolean;
  /** There are rows before the first: after a jump into the middle. */
  hasNewer: boolean;
  error?: CombinedError;
}

const EMPTY = { rows: [], total: null, isLoading: true, isLoadingMore: false, hasMore: false, hasNewer: false };

/**
 * The pages of one connection that were read so far. Each page keeps its own cursors, so that rows that arrive above do not
 * move the pages below; the cache keeps each row up to date.
 */
export class PagedQuery<Data, Row> {
  private pages: Page<Data>[] = [];
  private listeners = new Set<() => void>();
  private snapshot: Pages<Row> = EMPTY;

  constructor(
    private readonly client: Client,
    private readonly document: TypedDocumentNode<Data, AnyVariables>,
    private readonly variables: Record<string, unknown>,
    /** Variables of the first page alone, such as the moment to jump to. */
    private readonly start: Record<string, unknown>,
    private readonly connectionOf: (data: Data) => Connection<Row> | null | undefined,
    private readonly size: number,
  ) {}

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    if (this.pages.length === 0) this.pages = [{ bounds: { first: this.size } }];
    for (const page of this.pages) this.read(page);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      for (const page of this.pages) this.stop(page);
    };
  };

  current = () => this.snapshot;

  loadMore = () => {
    const last = this.pages.at(-1);
    const cursor = this.infoOf(last)?.endCursor;
    if (!last?.result || !this.snapshot.hasMore || !cursor) return;
    this.add({ bounds: { after: cursor, first: this.size } }, "end");
  };

  /** Reads what has come above the first row. */
  loadNewer = () => {
    const [first] = this.pages;
    if (first && !first.result) return;
    const cursor = this.infoOf(first)?.startCursor;
    if (cursor) this.add({ bounds: { before: cursor, last: this.size } }, "start");
    else this.reload();
  };

  /** Begins again with the first page. */
  reload = () => {
    for (const page of this.pages) this.stop(page);
    const page = { bounds: { first: this.size } };
    this.pages = [page];
    this.read(page, "network-only");
  };

  private add(page: Page<Data>, where: "start" | "end") {
    if (where === "end") this.pages.push(page);
    else this.pages.unshift(page);
    // What is above the first row changes all the time.
    this.read(page, where === "start" ? "network-only" : "cache-first");
    this.publish();
  }

  private read(page: Page<Data>, requestPolicy?: "network-only" | "cache-first") {
    if (page.stop) return;
    const isStart = page.bounds.after === undefined && page.bounds.before === undefined;
    const variables = { ...this.variables, ...(isStart ? this.start : {}), ...page.bounds };
    const subscription = this.client.query(this.document, variables, { requestPolicy }).subscribe((result) => {
      page.result = result;
      const isNothingNew = page.bounds.before !== undefined && this.nodesOf(page).length === 0 && !result.stale;
      if (isNothingNew && this.pages.length > 1) {
        this.pages = this.pages.filter((other) => other !== page);
        queueMicrotask(() => this.stop(page));
      }
      this.publish();
    });
    page.stop = () => subscription.unsubscribe();
  }

  private stop(page: Page<Data>) {
    page.stop?.();
    page.stop = undefined;
  }

  private connection(page: Page<Data> | undefined) {
    return page?.result?.data ? this.connectionOf(page.result.data) : undefined;
  }

  private nodesOf(page: Page<Data>): Row[] {
    return this.connection(page)?.nodes ?? [];
  }

  private infoOf(page: Page<Data> | undefined) {
    return this.connection(page)?.pageInfo;
  }

  private publish() {
    const first = this.pages[0];
    const last = this.pages.at(-1);
    const counted = this.pages.map((page) => this.connection(page)).find((one) => one?.totalCount !== undefined);
    this.snapshot = {
      rows: distinct(this.pages.flatMap((page) => this.nodesOf(page))),
      total:
        counted?.totalCount === undefined
          ? null
          : { count: counted.totalCount, isExact: counted.totalCountIsExact ?? true },
      isLoading: this.pages.length === 1 && !first?.result,
      isLoadingMore: this.pages.length > 1 && this.pages.some((page) => !page.result),
      hasMore: this.infoOf(last)?.hasNextPage ?? false,
      hasNewer: this.infoOf(first)?.hasPreviousPage ?? false,
      error: this.pages.find((page) => page.result?.error)?.result?.error,
    };
    for (const listener of this.listeners) listener();
  }
}

/** Each row once: a page that is read again may have grown into the next one. */
function distinct<Row>(rows: Row[]): Row[] {
  const seen = new Set<unknown>();
  return rows.filter((row) => {
    if (typeof row !== "object" || row === null || !("id" in row)) return true;
    return !seen.has(row.id) && seen.add(row.id);
  });
}
