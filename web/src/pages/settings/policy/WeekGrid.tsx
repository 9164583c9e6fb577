import type { Channel } from "../../../components/Status";
import { t } from "../../../texts";
import { clock, weekday } from "../../../texts/format";
import type { Policy } from "./PolicyQuery";
import { DAY, quietTimes, WEEKDAYS } from "./quietTimes";
import styles from "./WeekGrid.module.css";

const HOURS = [0, 6, 12, 18, 24];

interface WeekGridProps {
  rules: Pick<Policy, "quietHours" | "weekdays">;
  channel: Channel;
}

/** A week by the customers' clock: when marketing goes out on a channel, and when not. */
export function WeekGrid({ rules, channel }: WeekGridProps) {
  return (
    <figure className={styles.week}>
      <div className={styles.hours} aria-hidden="true">
        {HOURS.map((hour) => (
          <span key={hour} style={{ left: `${(hour / 24) * 100}%` }}>
            {clock(hour * 60)}
          </span>
        ))}
      </div>
      <ul className={styles.days}>
        {WEEKDAYS.map((day, index) => {
          const times = quietTimes(rules, channel, day);
          return (
            <li key={day}>
              <span className={styles.day}>{weekday(index)}</span>
              <span className={styles.bar}>
                {times.map(({ from, to, action }) => (
                  <span
                    key={from}
                    className={action === "HOLD" ? styles.hold : styles.abort}
                    style={{ left: `${(from / DAY) * 100}%`, width: `${((to - from) / DAY) * 100}%` }}
                    title={`${clock(from)}–${clock(to)}: ${t(`policy.action.${action}`)}`}
                  >
                    <span className="hidden-visually">
                      {clock(from)}–{clock(to)}: {t(`policy.action.${action}`)}
                    </span>
                  </span>
                ))}
                {times.length === 0 ? <span className="hidden-visually">{t("policy.allDay")}</span> : null}
              </span>
            </li>
          );
        })}
      </ul>
      <figcaption className={styles.legend}>
        <span className={styles.open}>{t("policy.sent")}</span>
        <span className={styles.hold}>{t("policy.action.HOLD")}</span>
        <span className={styles.abort}>{t("policy.action.ABORT")}</span>
      </figcaption>
    </figure>
  );
}
