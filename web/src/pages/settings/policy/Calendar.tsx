import { ChevronLeft, ChevronRight } from "lucide-react";
import { IconButton } from "../../../components/Button";
import { useNow } from "../../../components/Time";
import { t } from "../../../texts";
import { date, monthName, weekday } from "../../../texts/format";
import { optional, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import styles from "./Calendar.module.css";
import { daysOf, isMonth, monthAfter, monthOf } from "./calendar";

const calendarUrl = urlState({ month: optional() });
const MONTHS = [0, 1, 2];

interface CalendarProps {
  /** Days, such as 2026-05-31. */
  chosen: readonly string[];
  onToggle: (day: string) => void;
}

/** Three months of days that can be chosen. */
export function Calendar({ chosen, onToggle }: CalendarProps) {
  const now = useNow();
  const [url, setUrl] = useUrlState(calendarUrl);
  const first = isMonth(url.month) ? url.month : monthOf(now);
  return (
    <div className={styles.calendar}>
      <IconButton
        label={t("policy.earlier")}
        icon={<ChevronLeft />}
        onClick={() => setUrl({ month: monthAfter(first, -1) })}
      />
      <div className={styles.months}>
        {MONTHS.map((count) => (
          <Month key={count} month={monthAfter(first, count)} chosen={chosen} onToggle={onToggle} />
        ))}
      </div>
      <IconButton
        label={t("policy.later")}
        icon={<ChevronRight />}
        onClick={() => setUrl({ month: monthAfter(first, 1) })}
      />
    </div>
  );
}

function Month({ month, chosen, onToggle }: CalendarProps & { month: string }) {
  const { days, empty } = daysOf(month);
  return (
    <section className={styles.month} aria-label={monthName(month)}>
      <h4>{monthName(month)}</h4>
      <div className={styles.days}>
        {Array.from({ length: 7 }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the weekdays in their order
          <span key={index} className={styles.weekday} aria-hidden="true">
            {weekday(index, "narrow")}
          </span>
        ))}
        {days.map((day, index) => (
          <button
            key={day}
            type="button"
            className={styles.day}
            style={index === 0 ? { gridColumnStart: empty + 1 } : undefined}
            aria-pressed={chosen.includes(day)}
            aria-label={date(`${day}T12:00:00`)}
            onClick={() => onToggle(day)}
          >
            {index + 1}
          </button>
        ))}
      </div>
    </section>
  );
}
