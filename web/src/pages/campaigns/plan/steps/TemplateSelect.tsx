import { Select } from "../../../../components/Field";
import { t } from "../../../../texts";
import type { TemplateChoice } from "../ChoicesQuery";

interface TemplateSelectProps {
  templates: readonly TemplateChoice[];
  value: string;
  label?: string;
  /** What no choice means. */
  none: string;
  error?: string;
  onChange: (code: string) => void;
}

/** The templates that a channel has texts of. One that was taken away since stays shown. */
export function TemplateSelect({ templates, value, label, none, error, onChange }: TemplateSelectProps) {
  const isKnown = value === "" || templates.some((one) => one.code === value);
  return (
    <Select
      label={label ?? t("plan.template")}
      value={value}
      error={error}
      options={[
        { value: "", label: none },
        ...(isKnown ? [] : [{ value, label: value }]),
        ...templates.map((one) => ({ value: one.code, label: one.title })),
      ]}
      onChange={onChange}
    />
  );
}
