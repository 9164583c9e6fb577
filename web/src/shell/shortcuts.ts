import { useEffect, useRef } from "react";

/** `mod+k`, `?` or two letters one after the other, such as `g c`. */
export type Shortcuts = Record<string, () => void>;

/** How long the second letter may take. */
const SEQUENCE_MS = 1_000;

/** Keys that work on the whole page, but not while somebody writes or a dialog is open. */
export function useShortcuts(shortcuts: Shortcuts) {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    let begun: { letter: string; at: number } | undefined;
    const onKeyDown = (event: KeyboardEvent) => {
      const name = event.ctrlKey || event.metaKey ? `mod+${event.key.toLowerCase()}` : event.key;
      if (document.querySelector("dialog[open]") || event.altKey || event.defaultPrevented) return;
      if (!name.startsWith("mod+") && isWriting(event.target)) return;
      const isSecond = begun !== undefined && event.timeStamp - begun.at < SEQUENCE_MS;
      const run = (isSecond ? latest.current[`${begun?.letter} ${name}`] : undefined) ?? latest.current[name];
      begun = isSecond ? undefined : { letter: name, at: event.timeStamp };
      if (!run) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}

const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
