import type { Enum } from "../../../api/graphql";
import { locale } from "../../../texts";

/** A Monday and the days after it. */
const DAYS: Record<Enum<"Weekday">, string> = {
  MONDAY: "2024-01-01",
  TUESDAY: "2024-01-02",
  WEDNESDAY: "2024-01-03",
  THURSDAY: "2024-01-04",
  FRIDAY: "2024-01-05",
  SATURDAY: "2024-01-06",
  SUNDAY: "2024-01-07",
};

export const weekdayText = (day: Enum<"Weekday">): string =>
  new Intl.DateTimeFormat(locale(), { weekday: "long" }).format(new Date(`${DAYS[day]}T12:00`));
