import { type FormEvent, useId, useState } from "react";
import type { Problem } from "../../../api/problem";
import type { Refusal } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import { localMoment } from "../../../url/moment";
import styles from "./SnoozeDialog.module.css";
import { SNOOZES, snoozedUntil } from "./snooze";

interface SnoozeProps {
  onSnooze: (until: Date) => void;
  onClose: () => void;
  isRunning: boolean;
  refusal?: Refusal;
  problem?: Problem;
}

export function SnoozeDialog({ onSnooze, onClose, isRunning, refusal, problem }: SnoozeProps) {
  const [now] = useState(() => new Date());
  const [moment, setMoment] = useState(localMoment(snoozedUntil("tomorrow", now)));
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const until = new Date(moment);
    if (!Number.isNaN(until.getTime())) onSnooze(until);
  };
  return (
    <Dialog
      title={t("inbox.snoozeTitle")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={isRunning}>
            {t("inbox.snooze")}
          </Button>
        </>
      }
    >
      <ul className={styles.choices}>
        {SNOOZES.map((snooze) => {
          const until = snoozedUntil(snooze, now);
          return (
            <li key={snooze}>
              <button type="button" className={styles.choice} disabled={isRunning} onClick={() => onSnooze(until)}>
                {t(`inbox.snoozes.${snooze}`)}
                <span className={styles.time}>{dateTime(until)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      <form id={form} onSubmit={submit}>
        <Input
          label={t("inbox.snoozeAt")}
          hint={t("inbox.snoozeHint")}
          type="datetime-local"
          required
          value={moment}
          error={refusal?.field === "snoozedUntil" ? refusal.message : undefined}
          onChange={(event) => setMoment(event.target.value)}
        />
      </form>
      <Failure refusal={refusal?.field === "snoozedUntil" ? undefined : refusal} problem={problem} />
    </Dialog>
  );
}
