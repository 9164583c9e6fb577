import { useMemo } from "react";
import { type CombinedError, useQuery } from "urql";
import type { ResultOf } from "../../../api/graphql";
import { useSettled } from "../../../api/useSettled";
import { type CriteriaInput, toInput } from "./input";
import { PreviewQuery } from "./PreviewQuery";
import { type Mistake, mistakeAt } from "./places";
import { type Group, gapsOf } from "./tree";

export interface CriteriaPreview {
  found: ResultOf<typeof PreviewQuery>["previewList"]["preview"];
  /** What was asked for; undefined while the criteria are not complete. */
  input?: CriteriaInput;
  /** What is shown belongs to earlier criteria. */
  isStale: boolean;
  problem?: CombinedError;
  waitsFor?: "rules" | "fields";
  mistake?: Mistake;
}

/** Asks who meets the criteria, a moment after the last change. */
export function useCriteriaPreview(root: Group): CriteriaPreview {
  const settled = useSettled(root);
  const isEmpty = settled.parts.length === 0;
  const input = useMemo(
    () => (isEmpty || gapsOf(settled).length > 0 ? undefined : toInput(settled)),
    [settled, isEmpty],
  );
  const [{ data, fetching, stale, error }] = useQuery({
    query: PreviewQuery,
    variables: { criteria: input ?? ({} as CriteriaInput) },
    pause: input === undefined,
    requestPolicy: "cache-and-network",
  });
  const result = input ? data?.previewList : undefined;
  const refusal = result?.refusal;
  return {
    found: result?.preview ?? null,
    input,
    isStale: input !== undefined && (root !== settled || fetching || stale),
    problem: input ? error : undefined,
    waitsFor: input ? undefined : isEmpty ? "rules" : "fields",
    mistake: refusal ? mistakeAt(settled, refusal.field ?? "criteria", refusal.message) : undefined,
  };
}
