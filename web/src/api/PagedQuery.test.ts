import { type Client, gql, type OperationResult } from "urql";
import { describe, expect, test } from "vitest";
import { type Connection, PagedQuery } from "./PagedQuery";

const Numbers = gql("query Numbers { __typename }");

/** A server that holds numbers, the highest first, and pages them by cursors. */
class Numbered {
  asked: Record<string, unknown>[] = [];
  constructor(public numbers: number[]) {}

  client(): Client {
    const query = (_: unknown, variables: Record<string, number | string | undefined>) => ({
      subscribe: (give: (result: OperationResult) => void) => {
        this.asked.push(variables);
        give({ data: this.page(variables), stale: false } as unknown as OperationResult);
        return { unsubscribe: () => undefined };
      },
    });
    return { query } as unknown as Client;
  }

  private page({ after, before, first, last }: Record<string, number | string | undefined>): Connection<number> {
    const found = this.numbers.filter(
      (one) => (after === undefined || one < Number(after)) && (before === undefined || one > Number(before)),
    );
    const nodes = before === undefined ? found.slice(0, Number(first)) : found.slice(-Number(last));
    const [top, bottom] = [nodes[0], nodes.at(-1)];
    return {
      nodes,
      pageInfo: {
        hasNextPage: bottom !== undefined && this.numbers.some((one) => one < bottom),
        hasPreviousPage: top !== undefined && this.numbers.some((one) => one > top),
        startCursor: top === undefined ? null : String(top),
        endCursor: bottom === undefined ? null : String(bottom),
      },
    };
  }
}

function scroll(server: Numbered, size = 2) {
  const pages = new PagedQuery<unknown, number>(
    server.client(),
    Numbers,
    {},
    { at: "now" },
    (data) => data as Connection<number>,
    size,
  );
  const stop = pages.subscribe(() => undefined);
  return { pages, stop, rows: () => pages.current().rows };
}

describe("the pages of a connection", () => {
  test("are read one after the other to the end", () => {
    const { pages, rows } = scroll(new Numbered([5, 4, 3, 2, 1]));
    expect(rows()).toEqual([5, 4]);
    pages.loadMore();
    pages.loadMore();
    expect(rows()).toEqual([5, 4, 3, 2, 1]);
    expect(pages.current().hasMore).toBe(false);
    pages.loadMore();
    expect(rows()).toHaveLength(5);
  });

  test("do not move when something arrives above", () => {
    const server = new Numbered([5, 4, 3, 2, 1]);
    const { pages, rows } = scroll(server);
    pages.loadMore();
    server.numbers = [7, 6, ...server.numbers];
    pages.loadNewer();
    expect(rows()).toEqual([7, 6, 5, 4, 3, 2]);
  });

  test("show a row once, although two of them have it", () => {
    const row = { id: "a" };
    const pageInfo = { hasNextPage: true, hasPreviousPage: false, startCursor: "a", endCursor: "a" };
    const client = {
      query: () => ({
        subscribe: (give: (result: unknown) => void) => {
          give({ data: { nodes: [row], pageInfo }, stale: false });
          return { unsubscribe: () => undefined };
        },
      }),
    } as unknown as Client;
    const pages = new PagedQuery<unknown, { id: string }>(
      client,
      Numbers,
      {},
      {},
      (data) => data as Connection<{ id: string }>,
      1,
    );
    pages.subscribe(() => undefined);
    pages.loadMore();
    expect(pages.current().rows).toEqual([row]);
  });

  test("stay as they are when nothing is newer", () => {
    const { pages, rows } = scroll(new Numbered([5, 4]));
    pages.loadNewer();
    pages.loadNewer();
    expect(rows()).toEqual([5, 4]);
  });

  test("begin again when the first page was empty", () => {
    const server = new Numbered([]);
    const { pages, rows } = scroll(server);
    server.numbers = [1];
    pages.loadNewer();
    expect(rows()).toEqual([1]);
  });

  test("give the start to the first page alone", () => {
    const server = new Numbered([3, 2, 1]);
    scroll(server).pages.loadMore();
    expect(server.asked.map((variables) => variables.at)).toEqual(["now", undefined]);
  });

  test("are read again when somebody looks again", () => {
    const server = new Numbered([3, 2, 1]);
    const { pages, stop, rows } = scroll(server);
    pages.loadMore();
    stop();
    pages.subscribe(() => undefined);
    expect(rows()).toEqual([3, 2, 1]);
    expect(server.asked).toHaveLength(4);
  });
});
