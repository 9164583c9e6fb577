import { useEffect, useRef } from "react";

/** For a row that scrolls sideways on narrow screens: shows the chosen one, and that there are others beside it. */
export function useChosenInSight<Row extends HTMLElement>(chosen: string) {
  const row = useRef<Row>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: which one is chosen stands in the document
  useEffect(() => {
    row.current
      ?.querySelector('[aria-selected="true"], [aria-current]')
      ?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [chosen]);
  return row;
}
