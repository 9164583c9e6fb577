import { Input, Select } from "../../../../components/Field";
import type { Channel } from "../../../../components/Status";
import { t } from "../../../../texts";
import { Notice } from "../../parts/Notice";
import { PERIODS } from "../draft";
import type { StepProps } from "../Wizard";
import styles from "./steps.module.css";

/** Messages a minute that blank means. */
const DEFAULT_RATES: Partial<Record<Channel, string>> = { EMAIL: "600", SMS: "60" };

/** How fast, how much, and when it stops by itself. */
export function LimitsStep({ draft, change, choices, errorAt }: StepProps) {
  const approvalFrom = choices.policy.campaignApprovalFrom;
  return (
    <div className={styles.step}>
      <fieldset className={styles.group}>
        <legend>{t("plan.rate")}</legend>
        <div className={styles.row}>
          <Input
            label={t("plan.messages")}
            hint={t("plan.rateHint")}
            placeholder={DEFAULT_RATES[draft.channel]}
            type="number"
            min={0}
            value={draft.rate}
            error={errorAt("rate")}
            onChange={(event) => change({ rate: event.target.value })}
          />
          <Select
            label={t("plan.per")}
            value={draft.per}
            options={PERIODS.map((one) => ({ value: one, label: t(`plan.period.${one}`) }))}
            onChange={(per) => change({ per })}
          />
        </div>
      </fieldset>
      <fieldset className={styles.group}>
        <legend>{t("plan.budget")}</legend>
        <div className={styles.row}>
          <Input
            label={t("plan.amount")}
            hint={t("plan.budgetHint")}
            inputMode="decimal"
            value={draft.budget}
            error={errorAt("budget")}
            onChange={(event) => change({ budget: event.target.value })}
          />
          <Input
            label={t("plan.currency")}
            maxLength={3}
            value={draft.currency}
            onChange={(event) => change({ currency: event.target.value.toUpperCase() })}
          />
          <Input
            label={t("plan.price")}
            hint={t("plan.priceHint")}
            inputMode="decimal"
            value={draft.price}
            onChange={(event) => change({ price: event.target.value })}
          />
        </div>
      </fieldset>
      <fieldset className={styles.group}>
        <legend>{t("plan.thresholds")}</legend>
        <p className={styles.hint}>{t("plan.thresholdsHint")}</p>
        <div className={styles.row}>
          {(["complaints", "hardBounces", "errors"] as const).map((name) => (
            <Input
              key={name}
              label={t(`plan.threshold.${name}`)}
              type="number"
              min={0}
              max={100}
              step="0.01"
              value={draft[name]}
              error={errorAt(`thresholds.${name}`)}
              onChange={(event) => change({ [name]: event.target.value })}
            />
          ))}
        </div>
      </fieldset>
      <Notice>{approvalFrom > 0 ? t("plan.approvalFrom", { count: approvalFrom }) : t("plan.noApproval")}</Notice>
    </div>
  );
}
