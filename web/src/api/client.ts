import { cacheExchange } from "@urql/exchange-graphcache";
import { createClient as createSocket } from "graphql-ws";
import { Client, fetchExchange, mapExchange, subscriptionExchange } from "urql";
import { credentials, type Session, session } from "../session/session";
import { connection } from "./connection";
import { EMBEDDED } from "./embedded.gen";
import { isSignedOut } from "./problem";

/** A client of its own for each session: what one person has read is never shown to the next. */
export function clientFor(signedIn: Session): Client {
  const socket = createSocket({
    url: `${window.location.protocol === "https:" ? "wss:" : "ws:"}//${window.location.host}/graphql`,
    // With a cookie, the browser says who it is.
    connectionParams: () => (signedIn.kind === "key" ? credentials(signedIn) : {}),
    retryAttempts: Number.POSITIVE_INFINITY,
    // A closed key stays closed; everything else (a restart, a laptop that slept) is tried again.
    shouldRetry: (event) => !(event instanceof CloseEvent && event.code === 4403),
    on: {
      connected: () => connection.set("live"),
      // Closed in the normal way: nothing on the page waits for changes.
      closed: (event) => connection.set(event instanceof CloseEvent && event.code === 1000 ? "idle" : "lost"),
    },
  });

  return new Client({
    url: "/graphql",
    // What is known is shown at once and read again.
    requestPolicy: "cache-and-network",
    // Searches name people: they do not belong into URLs, which servers log.
    preferGetMethod: false,
    fetchOptions: () => ({ headers: credentials(signedIn), credentials: "same-origin" }),
    exchanges: [
      mapExchange({
        onError(error) {
          if (isSignedOut(error)) session.end();
        },
      }),
      cacheExchange({ keys: Object.fromEntries(EMBEDDED.map((name) => [name, () => null])) }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables, operationName }) => ({
          subscribe(sink) {
            const payload = { query: query ?? "", variables: { ...variables }, operationName };
            const unsubscribe = socket.subscribe<Record<string, unknown>, Record<string, unknown>>(payload, {
              ...sink,
              next(result) {
                continueAfter(payload.variables, result.data);
                sink.next(result);
              },
            });
            return { unsubscribe };
          },
        }),
      }),
    ],
  });
}

/** After a lost connection, a subscription goes on behind the last position that came: the socket sends `variables` again. */
function continueAfter(variables: Record<string, unknown>, data: Record<string, unknown> | null | undefined) {
  for (const value of Object.values(data ?? {})) {
    if (typeof value !== "object" || value === null || !("position" in value)) continue;
    if (typeof value.position === "string") variables.after = value.position;
  }
}
