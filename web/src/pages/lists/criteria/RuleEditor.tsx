import { X } from "lucide-react";
import { IconButton } from "../../../components/Button";
import { Select } from "../../../components/Field";
import { t } from "../../../texts";
import { FieldInput } from "./FieldInput";
import type { ChangePart } from "./GroupEditor";
import { fieldsOf } from "./kinds";
import type { Mistake } from "./places";
import styles from "./RuleEditor.module.css";
import type { Json, Rule, Values } from "./tree";

interface RuleEditorProps {
  rule: Rule;
  mistakes: readonly Mistake[];
  onChange: ChangePart;
}

/** One criterion: what it is about, whether it has to hold or not, and what it asks for. */
export function RuleEditor({ rule, mistakes, onChange }: RuleEditorProps) {
  const fields = fieldsOf(rule.kind, rule.values);
  const change = (changes: Partial<Rule>) => onChange(rule.id, (part) => ({ ...part, ...changes }) as Rule);
  const setValue = (name: keyof Values, value: Json | undefined) =>
    change({ values: { ...rule.values, [name]: value } });
  const kind = t(`lists.kindOf.${rule.kind}`);
  const others = mistakes.filter((mistake) => !fields.some((field) => field.name === mistake.name));
  return (
    <div className={styles.rule} role="group" aria-label={kind}>
      <div className={styles.head}>
        <span className={styles.name} title={kind}>
          {kind}
        </span>
        <Select
          label={t("lists.holds")}
          isLabelHidden
          value={rule.isNegated ? "not" : "is"}
          options={(["is", "not"] as const).map((value) => ({ value, label: t(`lists.negation.${value}`) }))}
          onChange={(value) => change({ isNegated: value === "not" })}
        />
        <span className={styles.remove}>
          <IconButton
            label={t("lists.removeRule", { rule: kind })}
            icon={<X />}
            onClick={() => onChange(rule.id, () => undefined)}
          />
        </span>
      </div>
      <div className={styles.fields}>
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={rule.values[field.name]}
            onChange={(value) => setValue(field.name, value)}
            error={mistakes.find((mistake) => mistake.name === field.name)?.message}
          />
        ))}
      </div>
      {others.map((mistake) => (
        <p key={mistake.message} className={styles.mistake} role="alert">
          {mistake.message}
        </p>
      ))}
    </div>
  );
}
