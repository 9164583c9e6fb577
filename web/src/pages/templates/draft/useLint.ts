import { useMemo } from "react";
import { useQuery } from "urql";
import type { ResultOf } from "../../../api/graphql";
import { useSettled } from "../../../api/useSettled";
import { LintQuery } from "../TemplateQuery";
import type { Draft } from "./draft";

export type Finding = ResultOf<typeof LintQuery>["lintTemplate"][number];

const NONE: Finding[] = [];
const PAUSE_MS = 500;

/** What to correct in a draft, a moment after the last change. */
export function useLint(draft: Draft) {
  const settled = useSettled(draft, PAUSE_MS);
  const variables = useMemo(() => ({ template: { unsaved: settled } }), [settled]);
  const [{ data, fetching, error }] = useQuery({ query: LintQuery, variables, requestPolicy: "network-only" });
  return { findings: data?.lintTemplate ?? NONE, isStale: fetching || settled !== draft, error };
}
