import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { UrlState } from "./urlState";

/** The page's state from the URL, and a function that changes parts of it. `push` makes a step that Back undoes. */
export function useUrlState<Shape>(of: UrlState<Shape>) {
  const params = useSearch({ strict: false });
  const navigate = useNavigate();
  const state = useMemo(() => of.parse(params), [of, params]);
  const change = useCallback(
    (changes: Partial<Shape>, { push = false } = {}) =>
      navigate({
        to: ".",
        search: (before) => of.changed(before, changes),
        replace: !push,
        resetScroll: false,
      }),
    [of, navigate],
  );
  return [state, change] as const;
}
