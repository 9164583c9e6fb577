import { Input } from "../../../../components/Field";
import { t } from "../../../../texts";
import { RadioCards } from "../../parts/RadioCards";
import { STARTS } from "../draft";
import type { StepProps } from "../Wizard";
import styles from "./steps.module.css";

/** When it starts, for all at once or on each recipient's clock. */
export function ScheduleStep({ draft, change, choices, errorAt }: StepProps) {
  const isLocal = draft.start === "local" || draft.start === "best";
  const error = errorAt("schedule") ?? errorAt("start");
  return (
    <div className={styles.step}>
      <RadioCards
        legend={t("plan.start")}
        value={draft.start}
        options={STARTS.map((start) => ({
          value: start,
          label: t(`plan.starts.${start}`),
          hint: t(`plan.startsHint.${start}`),
        }))}
        onChange={(start) => change({ start })}
      />
      {draft.start === "at" ? (
        <Input
          label={t("plan.at")}
          hint={t("plan.atHint", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}
          type="datetime-local"
          value={draft.at}
          error={error}
          onChange={(event) => change({ at: event.target.value })}
        />
      ) : null}
      {isLocal ? (
        <div className={styles.row}>
          <Input
            label={t("plan.date")}
            type="date"
            value={draft.date}
            error={error}
            onChange={(event) => change({ date: event.target.value })}
          />
          <Input
            label={t(draft.start === "best" ? "plan.fallbackTime" : "plan.time")}
            hint={t("plan.localHint", { zone: choices.policy.timeZone ?? "UTC" })}
            type="time"
            value={draft.time}
            onChange={(event) => change({ time: event.target.value })}
          />
          {draft.start === "best" ? (
            <Input
              label={t("plan.observations")}
              hint={t("plan.observationsHint")}
              type="number"
              min={1}
              value={draft.observations}
              onChange={(event) => change({ observations: event.target.value })}
            />
          ) : null}
        </div>
      ) : null}
      {draft.start === "recurring" ? (
        <div className={styles.row}>
          <Input
            label={t("plan.cron")}
            hint={t("plan.cronHint")}
            spellCheck={false}
            value={draft.cron}
            error={error}
            onChange={(event) => change({ cron: event.target.value })}
          />
          <Input
            label={t("plan.zone")}
            spellCheck={false}
            value={draft.zone}
            onChange={(event) => change({ zone: event.target.value })}
          />
          <Input
            label={t("plan.until")}
            hint={t("plan.untilHint")}
            type="datetime-local"
            value={draft.until}
            onChange={(event) => change({ until: event.target.value })}
          />
        </div>
      ) : null}
      <div className={styles.row}>
        <Input
          label={t("plan.spread")}
          hint={t("plan.spreadHint")}
          type="number"
          min={0}
          max={10_080}
          value={draft.spreadMinutes}
          error={errorAt("spreadMinutes")}
          onChange={(event) => change({ spreadMinutes: event.target.value })}
        />
        <Input
          label={t("plan.stopAfter")}
          hint={t("plan.stopAfterHint")}
          type="number"
          min={0}
          max={86_400}
          value={draft.stopAfterMinutes}
          error={errorAt("stopAfterMinutes")}
          onChange={(event) => change({ stopAfterMinutes: event.target.value })}
        />
      </div>
    </div>
  );
}
