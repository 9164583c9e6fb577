import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useShortcuts } from "../shell/shortcuts";
import { Input } from "./Field";

interface SearchFieldProps {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
}

/** How long somebody who types may pause before the rows follow. */
const PAUSE_MS = 60;

/** Searches while one types. `/` leads to it. */
export function SearchField({ label, placeholder = label, value, onChange }: SearchFieldProps) {
  const place = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState(value);
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  // Back, forward and "clear" change the value from outside.
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = window.setTimeout(() => latest.current(typed), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [typed, value]);
  useShortcuts({ "/": () => place.current?.querySelector("input")?.focus() });

  return (
    <div ref={place}>
      <Input
        label={label}
        isLabelHidden
        placeholder={placeholder}
        icon={<Search aria-hidden="true" />}
        type="search"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </div>
  );
}
