import { locale } from "./index";

// Numbers, money and times as the person writes them, in the browser's time zone.

const cache = new Map<string, unknown>();

/** `Intl` objects are slow to make: one for each locale and use. */
function kept<Format>(name: string, make: (locale: string) => Format): Format {
  const key = `${locale()} ${name}`;
  const found = cache.get(key) ?? make(locale());
  cache.set(key, found);
  return found as Format;
}

export const number = (value: number): string => kept("number", (one) => new Intl.NumberFormat(one)).format(value);

/** A share of 0 to 1. */
export const percent = (value: number): string =>
  kept("percent", (one) => new Intl.NumberFormat(one, { style: "percent", maximumFractionDigits: 1 })).format(value);

const isDecimal = (text: string): text is `${number}` => /^-?\d+(\.\d+)?$/.test(text);

/** An amount as the API writes it: a decimal text, which may have more digits than a number can hold. */
export function money(amount: string, currency: string): string {
  if (!isDecimal(amount)) return `${amount} ${currency}`;
  const format = kept(currency, (one) => new Intl.NumberFormat(one, { style: "currency", currency }));
  return format.format(amount);
}

export const date = (at: string | Date): string =>
  kept("date", (one) => new Intl.DateTimeFormat(one, { dateStyle: "medium" })).format(new Date(at));

/** A day without its year: for axes. */
export const day = (at: string | Date): string =>
  kept("day", (one) => new Intl.DateTimeFormat(one, { day: "numeric", month: "short" })).format(new Date(at));

export const dateTime = (at: string | Date): string =>
  kept("dateTime", (one) => new Intl.DateTimeFormat(one, { dateStyle: "medium", timeStyle: "short" })).format(
    new Date(at),
  );

export const time = (at: string | Date): string =>
  kept("time", (one) => new Intl.DateTimeFormat(one, { timeStyle: "short" })).format(new Date(at));

/** A whole moment with seconds and zone, for titles. */
export const exactly = (at: string | Date): string =>
  kept("exactly", (one) => new Intl.DateTimeFormat(one, { dateStyle: "full", timeStyle: "long" })).format(new Date(at));

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 hours ago" within a week, then the date. */
export function relative(at: string | Date, now: Date): string {
  const seconds = (new Date(at).getTime() - now.getTime()) / 1_000;
  if (Math.abs(seconds) >= 7 * 86_400) return date(at);
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  const format = kept("relative", (one) => new Intl.RelativeTimeFormat(one, { numeric: "auto" }));
  return unit === "second" ? format.format(0, "second") : format.format(Math.trunc(seconds / length), unit);
}

export const list = (items: string[]): string =>
  kept("list", (one) => new Intl.ListFormat(one, { type: "conjunction" })).format(items);

/** A size of a file, such as 12 kB. */
export function bytes(size: number): string {
  const [unit, length] = size >= 1_000_000 ? (["megabyte", 1_000_000] as const) : (["kilobyte", 1_000] as const);
  const format = kept(unit, (one) => new Intl.NumberFormat(one, { style: "unit", unit, maximumFractionDigits: 1 }));
  return format.format(size / length);
}

/** A weekday by its number, from Monday as 0. */
export const weekday = (index: number, style: "short" | "narrow" = "short"): string =>
  kept(`weekday ${style}`, (one) => new Intl.DateTimeFormat(one, { weekday: style, timeZone: "UTC" })).format(
    // 1 January 2024 was a Monday.
    new Date(Date.UTC(2024, 0, 1 + index)),
  );

/** Preferred hours as the server writes them, such as `mon-fri 18:00-21:00`, in the reader's words. */
export const preferredHours = (hours: string): string =>
  hours
    .replace(/[a-z]{3}/g, (day) => {
      const index = WEEK.indexOf(day);
      return index < 0 ? day : weekday(index);
    })
    .replaceAll("-", "–")
    .replaceAll(",", ", ");

const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** A minute of the day as a clock shows it. */
export const clock = (minute: number): string =>
  kept("clock", (one) => new Intl.DateTimeFormat(one, { timeStyle: "short", timeZone: "UTC" })).format(
    new Date(minute * 60_000),
  );

/** A month, such as `2026-05`, in words. */
export const monthName = (month: string): string =>
  kept("month", (one) => new Intl.DateTimeFormat(one, { month: "long", year: "numeric", timeZone: "UTC" })).format(
    new Date(`${month}-01T00:00:00Z`),
  );

/** A moment with its seconds: for logs. */
export const moment = (at: string | Date): string =>
  kept("moment", (one) => new Intl.DateTimeFormat(one, { dateStyle: "short", timeStyle: "medium" })).format(
    new Date(at),
  );
