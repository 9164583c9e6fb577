import { useCallback, useRef, useState } from "react";
import { type AnyVariables, type TypedDocumentNode, useClient } from "urql";
import { type Problem, problemOf } from "./problem";

export interface Refusal {
  code: string;
  message: string;
  field: string | null;
}

interface Payload {
  refusal: Refusal | null;
}

interface State {
  running: boolean;
  /** Why the server did not do it: shown beside what caused it. */
  refusal?: Refusal;
  /** An unexpected failure: it may be tried again. */
  problem?: Problem;
}

const IDLE: State = { running: false };

/**
 * Runs a mutation whose payloads carry refusals. It adds the idempotency key, which stays the same while the same input is
 * tried again after a failure: what was done already is not done twice. Returns the data when the server did it.
 */
export function useAction<
  Data extends Record<string, Payload>,
  Variables extends AnyVariables & { idempotencyKey?: string | null },
>(document: TypedDocumentNode<Data, Variables>) {
  const client = useClient();
  const [state, setState] = useState(IDLE);
  const attempt = useRef<{ input: string; key: string }>(undefined);

  const run = useCallback(
    async (variables: Omit<Variables, "idempotencyKey">): Promise<Data | undefined> => {
      const input = JSON.stringify(variables);
      if (attempt.current?.input !== input) attempt.current = { input, key: crypto.randomUUID() };
      setState({ running: true });
      const keyed = { ...variables, idempotencyKey: attempt.current.key } as unknown as Variables;
      const { data, error } = await client.mutation(document, keyed).toPromise();
      if (error || !data) {
        setState({ running: false, problem: error && problemOf(error) });
        return undefined;
      }
      attempt.current = undefined;
      const refusal = Object.values(data).find((payload) => payload.refusal)?.refusal ?? undefined;
      setState({ running: false, refusal });
      return refusal ? undefined : data;
    },
    [client, document],
  );

  const reset = useCallback(() => setState(IDLE), []);
  return { ...state, run, reset };
}
