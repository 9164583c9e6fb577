import { Input, Select } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { t } from "../../../texts";
import styles from "./AccountForm.module.css";
import type { AccountDraft } from "./accountDraft";

interface RoutingFieldsProps {
  draft: AccountDraft;
  onChange: (draft: AccountDraft) => void;
  pricesError?: string;
}

/** When the account is used, how fast, and what it costs. */
export function RoutingFields({ draft, onChange, pricesError }: RoutingFieldsProps) {
  const text = (name: "countries" | "domains" | "prices", error?: string) => (
    <Input
      label={t(`accounts.routing.${name}`)}
      hint={t(`accounts.routing.${name}Hint`)}
      error={error}
      value={draft[name]}
      onChange={(event) => onChange({ ...draft, [name]: event.target.value })}
    />
  );
  const figure = (name: "priority" | "share" | "perSecond" | "cost", step: string) => (
    <Input
      label={t(`accounts.routing.${name}`)}
      hint={t(`accounts.routing.${name}Hint`)}
      type="number"
      min="0"
      step={step}
      required
      value={draft[name]}
      onChange={(event) => onChange({ ...draft, [name]: event.target.value })}
    />
  );
  return (
    <Panel title={t("accounts.routing.title")} hint={t("accounts.routing.hint")}>
      <div className={styles.grid}>
        {figure("perSecond", "any")}
        <Select
          label={t("accounts.routing.unit")}
          hint={t("accounts.routing.unitHint")}
          value={draft.unit}
          options={(["MESSAGES", "SEGMENTS"] as const).map((value) => ({ value, label: t(`accounts.unit.${value}`) }))}
          onChange={(unit) => onChange({ ...draft, unit })}
        />
        {figure("priority", "1")}
        {figure("share", "1")}
        {figure("cost", "0.000001")}
        {text("prices", pricesError)}
        {text("countries")}
        {text("domains")}
      </div>
    </Panel>
  );
}
