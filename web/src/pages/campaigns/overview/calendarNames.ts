import { locale } from "../../../texts";

export const monthName = (at: Date): string =>
  new Intl.DateTimeFormat(locale(), { month: "long", year: "numeric" }).format(at);

export const weekdayName = (at: Date): string => new Intl.DateTimeFormat(locale(), { weekday: "short" }).format(at);

export const fullDay = (at: Date): string => new Intl.DateTimeFormat(locale(), { dateStyle: "full" }).format(at);
