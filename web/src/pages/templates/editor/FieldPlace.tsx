import { type ReactNode, useEffect, useRef } from "react";

/** A place in a field of the text that is edited; a new object leads there. */
export interface Target {
  field: string;
  line: number;
  column: number;
}

/** The names of findings begin with the field's: `steps[0].say`. */
export const isAt = (target: Target | undefined, field: string): target is Target =>
  target !== undefined &&
  (target.field === field || target.field.startsWith(`${field}[`) || target.field.startsWith(`${field}.`));

/** Around a field: a target leads to it, with the cursor at the place. */
export function FieldPlace({ name, target, children }: { name: string; target?: Target; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isAt(target, name)) return;
    const control = place.current?.querySelector<HTMLInputElement | HTMLTextAreaElement>("input, textarea, select");
    control?.focus();
    control?.scrollIntoView({ block: "center" });
    if (control && "setSelectionRange" in control) {
      const before = control.value.split("\n").slice(0, target.line - 1);
      const at = before.reduce((sum, line) => sum + line.length + 1, 0) + target.column - 1;
      control.setSelectionRange(at, at);
    }
  }, [target, name]);
  return <div ref={place}>{children}</div>;
}
