// The connection to commlog: queries and mutations over HTTP, subscriptions over a WebSocket.
import { Client, fetchExchange, type TypedDocumentNode } from "@urql/core";
import { print } from "graphql";
import { type Client as SocketClient, createClient } from "graphql-ws";
import { WebSocket } from "ws";

/** What a payload says if nothing was done. */
export interface Refusal {
  code: string;
  message: string;
}

export class Commlog {
  readonly #http: Client;
  readonly #socket: SocketClient;

  constructor(origin: string, key: string) {
    const authorization = `Bearer ${key}`;
    this.#http = new Client({
      url: `${origin}/graphql`,
      fetchOptions: { headers: { authorization } },
      exchanges: [fetchExchange],
    });
    this.#socket = createClient({
      url: `${origin.replace("http", "ws")}/graphql`,
      // Browsers and Node.js 22 have one of their own.
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
    });
  }

  async query<Data, Variables extends object>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const { data, error } = await this.#http.query(document, variables).toPromise();
    if (error) throw error;
    if (!data) throw new Error("the answer has no data");
    return data;
  }

  async mutate<Data, Variables extends object>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const { data, error } = await this.#http.mutation(document, variables).toPromise();
    if (error) throw error;
    if (!data) throw new Error("the answer has no data");
    return data;
  }

  /** What is pushed, until the caller leaves the loop. graphql-ws connects again by itself. */
  async *follow<Data, Variables extends object>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): AsyncGenerator<Data> {
    const query = print(document);
    for await (const { data, errors } of this.#socket.iterate<Data>({ query, variables: variables as Record<string, unknown> })) {
      if (errors) throw new AggregateError(errors, errors.map((error) => error.message).join("; "));
      if (data) yield data;
    }
  }

  async close(): Promise<void> {
    await this.#socket.dispose();
  }
}
