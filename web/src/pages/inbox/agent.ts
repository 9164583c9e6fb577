import { useSyncExternalStore } from "react";
import { useViewer } from "../../session/viewer";

const STORED = "commlog.agent";
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The name under which conversations are assigned to whoever signed in with a key that names no user. */
export function setAgentName(name: string) {
  window.localStorage.setItem(STORED, name);
  for (const listener of listeners) listener();
}

/** To whom "assign to me" assigns; undefined until one has said it. */
export function useAgentName(): string | undefined {
  const viewer = useViewer();
  const kept = useSyncExternalStore(subscribe, () => window.localStorage.getItem(STORED));
  return viewer.userId ?? kept ?? undefined;
}
