import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useShortcuts } from "../shell/shortcuts";
import { Input } from "./Field";
import { Asked, pauseAfter } from "./typing";

interface SearchFieldProps {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
}

/** Searches while one types. `/` leads to it. */
export function SearchField({ label, placeholder = label, value, onChange }: SearchFieldProps) {
  const place = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState(value);
  const asked = useRef(new Asked());
  const timer = useRef(0);
  const lastTypedAt = useRef(Number.NEGATIVE_INFINITY);
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  // Back, forward and "clear" change the value from outside.
  useEffect(() => {
    if (asked.current.answers(value)) return;
    window.clearTimeout(timer.current);
    setTyped(value);
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useShortcuts({ "/": () => place.current?.querySelector("input")?.focus() });

  const follow = (text: string) => {
    asked.current.add(text);
    latest.current(text);
  };
  const onType = (text: string) => {
    setTyped(text);
    window.clearTimeout(timer.current);
    const now = performance.now();
    const pause = pauseAfter(lastTypedAt.current, now);
    lastTypedAt.current = now;
    if (pause === 0) follow(text);
    else timer.current = window.setTimeout(() => follow(text), pause);
  };

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
        onChange={(event) => onType(event.target.value)}
      />
    </div>
  );
}
