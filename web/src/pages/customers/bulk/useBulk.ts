import { useCallback, useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { type Problem, problemOf } from "../../../api/problem";
import { ChangeCustomer } from "../actions/profile";
import { type BulkJob, keepJob, keptJob, patchFor } from "./bulk";

/** Changes customers one after the other; each change is one command with its own key. */
export function useBulk() {
  const client = useClient();
  const [job, setJob] = useState(() => keptJob(window.sessionStorage));
  const [isRunning, setIsRunning] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const isStopped = useRef(false);
  useEffect(
    () => () => {
      isStopped.current = true;
    },
    [],
  );

  const keep = useCallback((next: BulkJob | undefined) => {
    setJob(next);
    keepJob(next, window.sessionStorage);
  }, []);

  const run = useCallback(
    async (begun: BulkJob) => {
      let current = begun;
      isStopped.current = false;
      setIsRunning(true);
      setProblem(undefined);
      keep(current);
      for (const customerId of begun.ids.slice(begun.done)) {
        if (isStopped.current) break;
        const variables = { customerId, changes: patchFor(current), idempotencyKey: `${current.key}-${current.done}` };
        const { data, error } = await client.mutation(ChangeCustomer, variables).toPromise();
        if (error) {
          // What is done stays done; the rest goes on when somebody says so.
          setProblem(problemOf(error));
          break;
        }
        const refusal = data?.changeCustomer.refusal;
        current = {
          ...current,
          done: current.done + 1,
          refused: current.refused + (refusal ? 1 : 0),
          reason: refusal?.message ?? current.reason,
        };
        keep(current);
      }
      setIsRunning(false);
    },
    [client, keep],
  );
  const stop = useCallback(() => {
    isStopped.current = true;
  }, []);
  return { job, isRunning, problem, run, stop, end: useCallback(() => keep(undefined), [keep]) };
}
