import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import styles from "./Field.module.css";

interface FieldProps {
  label: string;
  /** Shown to screen readers alone: for a field whose place says what it is. */
  isLabelHidden?: boolean;
  hint?: ReactNode;
  error?: string;
}

/** Label, hint and error around one control, which gets the ids that tie them together. */
function Field({
  label,
  isLabelHidden,
  hint,
  error,
  children,
}: FieldProps & {
  children: (control: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
}) {
  const id = useId();
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const described = [hint ? hintId : "", error ? errorId : ""].filter(Boolean).join(" ");
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={isLabelHidden ? "hidden-visually" : styles.label}>
        {label}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
      {hint ? (
        <p id={hintId} className={styles.hint}>
          {hint}
        </p>
      ) : null}
      {error ? (
        <p id={errorId} className={styles.error} role="alert">
          {error}
        </p>
      ) : null}
    </div>
  );
}

export function Input({
  label,
  isLabelHidden,
  hint,
  error,
  icon,
  ...rest
}: FieldProps & { icon?: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Field {...{ label, isLabelHidden, hint, error }}>
      {(control) => (
        <span className={styles.frame}>
          {icon}
          <input {...rest} {...control} className={styles.control} />
        </span>
      )}
    </Field>
  );
}

export function Textarea({
  label,
  isLabelHidden,
  hint,
  error,
  ...rest
}: FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Field {...{ label, isLabelHidden, hint, error }}>
      {(control) => <textarea {...rest} {...control} className={`${styles.control} ${styles.area}`} />}
    </Field>
  );
}

interface SelectProps<Value extends string> extends FieldProps {
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
}

export function Select<Value extends string>({
  label,
  isLabelHidden,
  hint,
  error,
  value,
  options,
  onChange,
  ...rest
}: SelectProps<Value> & Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "value">) {
  return (
    <Field {...{ label, isLabelHidden, hint, error }}>
      {(control) => (
        <select
          {...rest}
          {...control}
          className={`${styles.control} ${styles.select}`}
          value={value}
          onChange={(event) => {
            const chosen = options.find((option) => option.value === event.target.value);
            if (chosen) onChange(chosen.value);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Checkbox({ label, ...rest }: { label: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className={styles.check}>
      <input {...rest} type="checkbox" />
      <span>{label}</span>
    </label>
  );
}
