import { Input, Select, Textarea } from "../../../components/Field";
import { Prose } from "../../../components/Prose";
import { t } from "../../../texts";
import styles from "./AccountForm.module.css";
import type { ProviderSetting } from "./AccountsQuery";

interface SettingFieldProps {
  setting: ProviderSetting;
  value: string;
  /** A secret that was given before: it stays unless another one is typed. */
  isStored: boolean;
  error?: string;
  onChange: (value: string) => void;
}

const ABBREVIATIONS = new Set(["api", "http", "id", "imap", "ip", "jwt", "sid", "sms", "smtp", "tls", "url", "urls"]);

/** `account_sid` as `Account SID`. */
export function labelOf(name: string): string {
  const words = name.split("_").map((word) => (ABBREVIATIONS.has(word) ? word.toUpperCase() : word));
  const label = words.join(" ").replace("URLS", "URLs");
  return label.charAt(0).toUpperCase() + label.slice(1);
}

export function SettingField({ setting, value, isStored, error, onChange }: SettingFieldProps) {
  const field = {
    label: labelOf(setting.name),
    hint: <Prose text={setting.help} />,
    error,
    title: setting.name,
    required: setting.required && !isStored,
  };
  if (setting.secret) {
    // Keys of several lines are secrets too, which a password field would join to one.
    return (
      <div className={styles.secret}>
        <Textarea
          {...field}
          rows={1}
          autoComplete="off"
          spellCheck={false}
          placeholder={isStored ? t("accounts.secretStored") : undefined}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
    );
  }
  if (setting.defaultValue === "true" || setting.defaultValue === "false") {
    const usual = t(setting.defaultValue === "true" ? "common.yes" : "common.no");
    return (
      <Select
        {...field}
        value={value}
        options={[
          { value: "", label: t("accounts.usual", { value: usual }) },
          { value: "true", label: t("common.yes") },
          { value: "false", label: t("common.no") },
        ]}
        onChange={onChange}
      />
    );
  }
  return (
    <Input
      {...field}
      autoComplete="off"
      spellCheck={false}
      placeholder={setting.defaultValue ?? undefined}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
