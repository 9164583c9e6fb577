import type english from "./en.json";

// All words of the console are in `en.json` and `de.json`, found by typed keys: t("customers.title").

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

type Plural = { one: string; other: string };
type Keys<Tree, Prefix extends string = ""> = {
  [Key in keyof Tree & string]: Tree[Key] extends string | Plural
    ? `${Prefix}${Key}`
    : Keys<Tree[Key], `${Prefix}${Key}.`>;
}[keyof Tree & string];
export type TextKey = Keys<typeof english>;

export type Values = Record<string, string | number>;

interface Loaded {
  language: Language;
  /** Formats numbers and dates: the person's own variety of the language, such as en-GB. */
  locale: string;
  texts: Map<string, string | Plural>;
  plurals: Intl.PluralRules;
}

let loaded: Loaded | undefined;
const listeners = new Set<() => void>();

const STORED = "commlog.language";
const FILES = { en: () => import("./en.json"), de: () => import("./de.json") };

/** The text under a key; `{name}` in it is replaced by `values.name`, and `count` chooses the plural. */
export function t(key: TextKey, values: Values = {}): string {
  const text = loaded?.texts.get(key);
  if (text === undefined) return key;
  const words = typeof text === "string" ? text : text[isOne(values.count) ? "one" : "other"];
  return words.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? new Intl.NumberFormat(locale()).format(value) : isolated(value ?? "");
  });
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A value whose direction changes nothing of the words around it. */
const isolated = (value: string): string => (RIGHT_TO_LEFT.test(value) ? `\u2068${value}\u2069` : value);

function isOne(count: string | number | undefined): boolean {
  return loaded?.plurals.select(Number(count)) === "one";
}

export const language = (): Language => loaded?.language ?? "en";
export const locale = (): string => loaded?.locale ?? "en";

export function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Loads the texts of a language. The person's choice is kept; the first time, the browser's order decides. */
export async function loadLanguage(chosen?: Language): Promise<void> {
  const next = chosen ?? kept() ?? preferred(navigator.languages);
  const tree = (await FILES[next]()).default;
  loaded = {
    language: next,
    locale: navigator.languages.find((one) => languageOf(one) === next) ?? next,
    texts: new Map(flat(tree)),
    plurals: new Intl.PluralRules(next),
  };
  document.documentElement.lang = next;
  if (chosen) window.localStorage.setItem(STORED, chosen);
  for (const listener of listeners) listener();
}

function kept(): Language | undefined {
  return LANGUAGES.find((one) => one === window.localStorage.getItem(STORED));
}

const languageOf = (tag: string): string => tag.split("-", 1)[0] ?? tag;

/** The first of a browser's languages that there are texts in. */
export function preferred(tags: readonly string[]): Language {
  for (const tag of tags) {
    const found = LANGUAGES.find((one) => one === languageOf(tag));
    if (found) return found;
  }
  return "en";
}

const isPlural = (value: object): value is Plural => "one" in value && "other" in value;

/** Each text with its path. */
export function flat(tree: object, prefix = ""): [string, string | Plural][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string | Plural][] => {
    if (typeof value === "string") return [[prefix + key, value]];
    return isPlural(value) ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`);
  });
}
