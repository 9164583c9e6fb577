import { useSyncExternalStore } from "react";
import { date, exactly, relative } from "../texts/format";

let now = new Date();
let timer: number | undefined;
const listeners = new Set<() => void>();

/** One clock for the whole page, which stands still while nothing looks at it. */
function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    now = new Date();
    for (const one of listeners) one();
  }, 30_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

/** The present moment, by half a minute. */
export const useNow = (): Date => useSyncExternalStore(subscribe, () => now);

/** "3 hours ago", with the exact moment as title. */
export function Time({ at }: { at: string }) {
  const present = useNow();
  return (
    <time dateTime={at} title={exactly(at)}>
      {relative(at, present)}
    </time>
  );
}

export function DateOnly({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactly(at)}>
      {date(at)}
    </time>
  );
}
