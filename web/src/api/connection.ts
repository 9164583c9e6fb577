import { useSyncExternalStore } from "react";

type State = "idle" | "live" | "lost";

let state: State = "idle";
const listeners = new Set<() => void>();

/** Whether changes arrive live: `lost` until the socket is connected again. */
export const connection = {
  set(next: State) {
    state = next;
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

export const useConnection = (): State => useSyncExternalStore(connection.subscribe, () => state);
