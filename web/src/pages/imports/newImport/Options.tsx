import { Checkbox, Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./NewImport.module.css";
import { type NewImportState, pairs, withPair } from "./newImportUrl";

interface OptionsProps {
  state: NewImportState;
  onChange: (changes: Partial<NewImportState>) => void;
}

/** What the file does not say by itself. */
export function Options({ state, onChange }: OptionsProps) {
  const said = Object.fromEntries(pairs(state.consents));
  const typed = (name: "region" | "currency" | "zone" | "times" | "number", label: string, hint: string) => (
    <Input
      key={`${name} ${state[name] ?? ""}`}
      label={label}
      hint={hint}
      defaultValue={state[name]}
      onBlur={(event) => onChange({ [name]: event.target.value.trim() || undefined })}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
    />
  );
  const isOrders = state.kind === "ORDERS";
  const isCustomers = state.kind === "CUSTOMERS";
  return (
    <div className={styles.options}>
      {isCustomers ? (
        <Select
          label={t("imports.everybodySaid")}
          hint={t("imports.everybodySaidHint")}
          value={said.EMAIL ?? ""}
          options={[
            { value: "", label: t("imports.saidNothing") },
            { value: "OPTED_IN", label: t("imports.saidIn") },
            { value: "OPTED_OUT", label: t("imports.saidOut") },
          ]}
          onChange={(value) => onChange({ consents: withPair(state.consents, "EMAIL", value || undefined) })}
        />
      ) : null}
      {isCustomers ? (
        <Select
          label={t("imports.collision")}
          value={state.rule}
          options={[
            { value: "IF_BLANK", label: t("imports.rule.IF_BLANK") },
            { value: "NEVER", label: t("imports.rule.NEVER") },
            { value: "OVERWRITE", label: t("imports.rule.OVERWRITE") },
          ]}
          onChange={(rule) => onChange({ rule })}
        />
      ) : null}
      {isOrders ? typed("currency", t("imports.currency"), t("imports.currencyHint")) : null}
      {isOrders ? (
        <Select
          label={t("imports.decimal")}
          value={state.decimal ?? ""}
          options={[
            { value: "", label: t("imports.fileShows") },
            { value: "POINT", label: "1234.56" },
            { value: "COMMA", label: "1234,56" },
          ]}
          onChange={(value) => onChange({ decimal: value || undefined })}
        />
      ) : null}
      {state.kind === "MESSAGES" ? (
        <Select
          label={t("imports.channel")}
          value={state.channel ?? ""}
          options={[
            { value: "", label: t("imports.fileShows") },
            ...(["EMAIL", "SMS", "WHATSAPP"] as const).map((value) => ({ value, label: t(`channel.${value}`) })),
          ]}
          onChange={(value) => onChange({ channel: value || undefined })}
        />
      ) : null}
      {typed("region", t("imports.region"), t("imports.regionHint"))}
      {typed("zone", t("imports.zone"), t("imports.zoneHint"))}
      {typed("times", t("imports.times"), t("imports.timesHint"))}
      {typed("number", t("imports.number"), t("imports.numberHint"))}
      {isCustomers ? null : (
        <Checkbox
          label={t("imports.anonymous")}
          checked={state.anonymous}
          onChange={(event) => onChange({ anonymous: event.target.checked })}
        />
      )}
    </div>
  );
}
