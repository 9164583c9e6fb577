// What a page shows is in its URL: filters, tabs, the chosen row, the moment. A page declares the fields once:
//
//   export const customersUrl = urlState({ search: text(), order: oneOf(ORDERS, "NEWEST_FIRST"), tags: list() });
//
// and reads and changes them with `useUrlState(customersUrl)`. Defaults are left out of the URL.

export type SearchParams = Record<string, string | undefined>;

export interface Field<Value> {
  /** What the URL holds, or the default for what it cannot hold. */
  read: (raw: string | undefined) => Value;
  /** Undefined for the default. */
  write: (value: Value) => string | undefined;
}

export interface UrlState<Shape> {
  parse: (params: SearchParams) => Shape;
  /** The parameters for a link to the page in this state. */
  params: (state: Partial<Shape>) => SearchParams;
  /** `params` with `changes`; parameters of others stay. */
  changed: (params: SearchParams, changes: Partial<Shape>) => SearchParams;
}

export const text = (fallback = ""): Field<string> => ({
  read: (raw) => raw ?? fallback,
  write: (value) => (value === fallback ? undefined : value),
});

export const optional = (): Field<string | undefined> => ({
  read: (raw) => raw || undefined,
  write: (value) => value || undefined,
});

export const flag = (): Field<boolean> => ({
  read: (raw) => raw === "1",
  write: (value) => (value ? "1" : undefined),
});

export const oneOf = <const Value extends string>(values: readonly Value[], fallback: Value): Field<Value> => ({
  read: (raw) => values.find((value) => value === raw) ?? fallback,
  write: (value) => (value === fallback ? undefined : value),
});

export const optionalOneOf = <const Value extends string>(values: readonly Value[]): Field<Value | undefined> => ({
  read: (raw) => values.find((value) => value === raw),
  write: (value) => value,
});

/** Several words of one's own, such as tags. A comma inside a word is escaped. */
export const words = (): Field<string[]> => ({
  read: (raw) => (raw ? raw.split(",").map(decodeURIComponentSafely) : []),
  write: (value) =>
    value.length === 0 ? undefined : value.map((word) => word.replace(/[%,]/g, encodeURIComponent)).join(","),
});

/** Several of known values, in their order; all that are unknown are left out. */
export const someOf = <const Value extends string>(
  values: readonly Value[],
  fallback: readonly Value[] = [],
): Field<Value[]> => ({
  read: (raw) => (raw === undefined ? [...fallback] : values.filter((value) => raw.split(",").includes(value))),
  write: (value) => (value.join() === fallback.join() ? undefined : value.join(",")),
});

function decodeURIComponentSafely(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

export function urlState<Shape extends object>(fields: { [Key in keyof Shape]: Field<Shape[Key]> }): UrlState<Shape> {
  const keys = Object.keys(fields) as (keyof Shape & string)[];
  const state: UrlState<Shape> = {
    parse: (params) => Object.fromEntries(keys.map((key) => [key, fields[key].read(params[key])])) as Shape,
    params: (partial) => state.changed({}, partial),
    changed(params, changes) {
      const next = { ...params };
      for (const key of keys) {
        if (!(key in changes)) continue;
        const written = fields[key].write(changes[key] as Shape[typeof key]);
        if (written === undefined) delete next[key];
        else next[key] = written;
      }
      return next;
    },
  };
  return state;
}

/** The router's search parameters are plain texts: what one reads in the address bar is what a field gets. */
export const parseSearch = (search: string): SearchParams => Object.fromEntries(new URLSearchParams(search));

export function stringifySearch(params: Record<string, unknown>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (typeof value === "string") search.set(key, value);
  // Commas and colons are read by people; the URL grammar allows them here.
  const written = search.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return written ? `?${written}` : "";
}
