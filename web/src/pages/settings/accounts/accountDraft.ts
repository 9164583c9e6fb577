import type { VariablesOf } from "../../../api/graphql";
import type { ConfigureAccount } from "./AccountForm";
import type { Account, Provider } from "./AccountsQuery";

/** An account as the form holds it: everything as people type it. */
export interface AccountDraft {
  name: string;
  settings: Record<string, string>;
  /** Only what is typed anew: stored secrets are never shown. */
  secrets: Record<string, string>;
  priority: string;
  perSecond: string;
  unit: Account["unit"];
  cost: string;
  share: string;
  countries: string;
  domains: string;
  prices: string;
}

const MICROS = 6;

/** `7500` millionths as `0.0075`. */
export function fromMicros(micros: string): string {
  const digits = micros.padStart(MICROS + 1, "0");
  const fraction = digits.slice(-MICROS).replace(/0+$/, "");
  const whole = digits.slice(0, -MICROS);
  return fraction ? `${whole}.${fraction}` : whole;
}

/** `0.0075` as `7500` millionths; undefined for what is no such amount. */
export function toMicros(amount: string): string | undefined {
  const [, whole, fraction = ""] = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(amount.trim()) ?? [];
  if (whole === undefined) return undefined;
  return (whole + fraction.padEnd(MICROS, "0")).replace(/^0+(?=\d)/, "");
}

const words = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

export interface Price {
  country: string;
  micros: string;
}

/** `GB=0.04, US=0.0075`; undefined if a part of it is no price. */
export function pricesOf(text: string): Price[] | undefined {
  const prices = words(text).map((word): Price | undefined => {
    const [country = "", amount = ""] = word.split("=");
    const micros = toMicros(amount);
    return /^[A-Za-z]{2}$/.test(country) && micros !== undefined
      ? { country: country.toUpperCase(), micros }
      : undefined;
  });
  return prices.every((price) => price !== undefined) ? prices : undefined;
}

export function draftOf(account?: Account): AccountDraft {
  return {
    name: account?.name ?? "",
    settings: Object.fromEntries((account?.settings ?? []).map(({ name, value }) => [name, value])),
    secrets: {},
    priority: String(account?.priority ?? 0),
    perSecond: String(account?.perSecond ?? 0),
    unit: account?.unit ?? "MESSAGES",
    cost: fromMicros(account?.costMicros ?? "0"),
    share: String(account?.routing.share ?? 0),
    countries: account?.routing.countries.join(", ") ?? "",
    domains: account?.routing.domains.join(", ") ?? "",
    prices: account?.routing.prices.map(({ country, micros }) => `${country}=${fromMicros(micros)}`).join(", ") ?? "",
  };
}

type AccountInput = VariablesOf<typeof ConfigureAccount>["input"];

/** What the API is told: settings that are left empty count as not given. */
export function inputOf(draft: AccountDraft, provider: Provider): AccountInput {
  const typed = (values: Record<string, string>, secret: boolean) =>
    provider.settings
      .filter((setting) => setting.secret === secret)
      .map(({ name }) => ({ name, value: (values[name] ?? "").trim() }))
      .filter(({ value }) => value !== "");
  return {
    provider: provider.name,
    name: draft.name.trim(),
    settings: typed(draft.settings, false),
    secrets: typed(draft.secrets, true),
    priority: Number(draft.priority),
    perSecond: Number(draft.perSecond),
    unit: draft.unit,
    costMicros: toMicros(draft.cost) ?? "0",
    routing: {
      share: Number(draft.share),
      countries: words(draft.countries).map((country) => country.toUpperCase()),
      domains: words(draft.domains),
      prices: pricesOf(draft.prices) ?? [],
    },
  };
}
