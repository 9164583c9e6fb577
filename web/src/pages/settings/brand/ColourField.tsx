import type { ReactNode } from "react";
import { Input } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./ColourField.module.css";
import { colourOf } from "./palette";

interface ColourFieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  /** What is chosen from while nothing is. */
  fallback: string;
  value: string;
  onChange: (colour: string) => void;
}

/** A colour, typed or chosen; an empty one is none. */
export function ColourField({ label, hint, error, fallback, value, onChange }: ColourFieldProps) {
  return (
    <div className={styles.field}>
      <Input
        label={label}
        hint={hint}
        error={error}
        placeholder={fallback}
        pattern="\s*#?([0-9a-fA-F]{3}){1,2}\s*"
        title={t("brand.colourForm")}
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <input
        type="color"
        className={styles.swatch}
        aria-label={t("brand.choose", { what: label })}
        value={colourOf(value) ?? fallback}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
