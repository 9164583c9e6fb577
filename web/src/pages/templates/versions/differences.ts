import { type Content, type Draft, keyOf } from "../draft/draft";

/** One text of one field that is not the same in two versions. */
export interface Difference {
  /** The text, such as `EMAIL.de`; null for what belongs to the whole template. */
  key: string | null;
  field: string;
  old: string;
  changed: string;
}

export type Compared = Pick<Draft, "contents" | "defaultLocale" | "variables">;

/** What differs between two versions, text by text. */
export function differences(old: Compared, changed: Compared): Difference[] {
  const keys = [...new Set([...old.contents, ...changed.contents].map(keyOf))];
  const texts = keys.flatMap((key) => {
    const before = fieldsOf(old.contents.find((content) => keyOf(content) === key));
    const after = fieldsOf(changed.contents.find((content) => keyOf(content) === key));
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].map((field) => ({
      key,
      field,
      old: before[field] ?? "",
      changed: after[field] ?? "",
    }));
  });
  const whole = [
    { key: null, field: "defaultLocale", old: old.defaultLocale ?? "", changed: changed.defaultLocale ?? "" },
    { key: null, field: "variables", old: written(old.variables), changed: written(changed.variables) },
  ];
  return [...texts, ...whole].filter((one) => one.old !== one.changed);
}

function fieldsOf(content: Content | undefined): Record<string, string> {
  const texts = Object.values(content?.texts ?? {}).find((value) => value !== null && value !== undefined) ?? {};
  return Object.fromEntries(Object.entries(texts).map(([field, value]) => [field, written(value)]));
}

function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
