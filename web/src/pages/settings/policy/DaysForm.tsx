import { useState } from "react";
import { Checkbox } from "../../../components/Field";
import { FilterChips } from "../../../components/FilterChips";
import { t } from "../../../texts";
import { date, weekday } from "../../../texts/format";
import { Calendar } from "./Calendar";
import styles from "./PolicyPage.module.css";
import { PolicyPanel } from "./PolicyPanel";
import type { Policy } from "./PolicyQuery";
import { WEEKDAYS } from "./quietTimes";
import { ActionSelect } from "./RuleFields";

/** Weekdays and single days on which nothing is sent. */
export function DaysForm({ policy, onSaved }: { policy: Policy; onSaved: () => void }) {
  const [weekdays, setWeekdays] = useState(policy.weekdays);
  const [blackout, setBlackout] = useState(policy.blackout);
  const toggle = (day: string) =>
    setBlackout({
      ...blackout,
      dates: (blackout.dates.includes(day)
        ? blackout.dates.filter((one) => one !== day)
        : [...blackout.dates, day]
      ).toSorted(),
    });
  return (
    <PolicyPanel
      title={t("policy.days")}
      hint={t("policy.daysHint")}
      changes={{ weekdays, blackout }}
      stored={{ weekdays: policy.weekdays, blackout: policy.blackout }}
      onSaved={onSaved}
    >
      {() => (
        <>
          <fieldset className={styles.checks}>
            <legend>{t("policy.weekdays")}</legend>
            {WEEKDAYS.map((day, index) => (
              <Checkbox
                key={day}
                label={weekday(index)}
                checked={weekdays.days.includes(day)}
                onChange={(event) =>
                  setWeekdays({
                    ...weekdays,
                    days: WEEKDAYS.filter((one) => (one === day ? event.target.checked : weekdays.days.includes(one))),
                  })
                }
              />
            ))}
          </fieldset>
          <div className={styles.grid}>
            <ActionSelect value={weekdays.action} onChange={(action) => setWeekdays({ ...weekdays, action })} />
          </div>
          <h3>{t("policy.blackout")}</h3>
          <Calendar chosen={blackout.dates} onToggle={toggle} />
          <FilterChips
            chips={blackout.dates.map((day) => ({ label: date(`${day}T12:00:00`), onRemove: () => toggle(day) }))}
            onClear={() => setBlackout({ ...blackout, dates: [] })}
          />
          <div className={styles.grid}>
            <ActionSelect value={blackout.action} onChange={(action) => setBlackout({ ...blackout, action })} />
          </div>
        </>
      )}
    </PolicyPanel>
  );
}
