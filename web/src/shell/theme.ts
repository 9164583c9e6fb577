import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

// The name under which /assets/theme.js looks before the first paint.
const STORED = "commlog.theme";
const listeners = new Set<() => void>();

const current = (): Theme => THEMES.find((one) => one === document.documentElement.dataset.theme) ?? "system";

export function setTheme(theme: Theme) {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
    window.localStorage.removeItem(STORED);
  } else {
    document.documentElement.dataset.theme = theme;
    window.localStorage.setItem(STORED, theme);
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, current);

const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

function subscribeToSystem(listener: () => void) {
  systemIsDark.addEventListener("change", listener);
  return () => systemIsDark.removeEventListener("change", listener);
}

/** The colours that are shown: for drawings, which do not follow style sheets. */
export function useColours(): "light" | "dark" {
  const theme = useTheme();
  const isDark = useSyncExternalStore(subscribeToSystem, () => systemIsDark.matches);
  return theme === "system" ? (isDark ? "dark" : "light") : theme;
}
