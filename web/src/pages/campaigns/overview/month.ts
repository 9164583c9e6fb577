import { locale } from "../../../texts";

// Months as their weeks, on the person's clock. A month is written 2026-12, a day 2026-12-24.

const two = (value: number): string => String(value).padStart(2, "0");

export const dayOf = (at: Date): string => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

export const monthOf = (at: Date): string => dayOf(at).slice(0, 7);

/** The first moment of a month; of the present one for what is no month. */
export function startOfMonth(month: string | undefined, now: Date): Date {
  const [, year, index] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month ?? "") ?? [];
  return year && index ? new Date(Number(year), Number(index) - 1, 1) : new Date(now.getFullYear(), now.getMonth(), 1);
}

export const monthsLater = (start: Date, months: number): string =>
  monthOf(new Date(start.getFullYear(), start.getMonth() + months, 1));

/** All days of the weeks that the month has a part of. `firstWeekday` is 1 for Monday to 7 for Sunday. */
export function weeksOf(start: Date, firstWeekday: number): Date[][] {
  const before = ((start.getDay() || 7) - firstWeekday + 7) % 7;
  const days = new Date(start.getFullYear(), start.getMonth() + 1, 0).getDate();
  return Array.from({ length: Math.ceil((before + days) / 7) }, (_, week) =>
    Array.from(
      { length: 7 },
      (_, weekday) => new Date(start.getFullYear(), start.getMonth(), 1 - before + week * 7 + weekday),
    ),
  );
}

/** What weeks begin with where the person lives: most browsers know; the others get Monday. */
export function firstWeekday(): number {
  const known = new Intl.Locale(locale()) as Intl.Locale & { getWeekInfo?: () => { firstDay: number } };
  return known.getWeekInfo?.().firstDay ?? 1;
}
