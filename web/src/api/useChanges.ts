import { useEffect, useRef } from "react";
import { useClient } from "urql";
import { graphql } from "./graphql";

const ReadModels = graphql(`
  subscription ReadModels {
    projectionLag {
      name
      position
    }
  }
`);

/** Figures follow at most so often, whatever happens. */
const PAUSE_MS = 2_000;

/** Calls back after one of the named read models has changed, for pages that nothing else keeps live. */
export function useChanges(readModels: readonly string[], onChange: () => void) {
  const client = useClient();
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  const names = readModels.join();
  useEffect(() => {
    const watched = names.split(",");
    const seen = new Map<string, string>();
    let timer: number | undefined;
    const { unsubscribe } = client.subscription(ReadModels, {}).subscribe(({ data }) => {
      const moved = (data?.projectionLag ?? []).filter(({ name, position }) => {
        const before = seen.get(name);
        seen.set(name, position);
        // What comes first is the present state.
        return before !== undefined && before !== position && watched.includes(name);
      });
      if (moved.length === 0) return;
      timer ??= window.setTimeout(() => {
        timer = undefined;
        latest.current();
      }, PAUSE_MS);
    });
    return () => {
      unsubscribe();
      window.clearTimeout(timer);
    };
  }, [client, names]);
}
