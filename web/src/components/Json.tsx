import styles from "./Json.module.css";

/** Data as the API has it, for those who read it. */
export function Json({ label, value }: { label: string; value: unknown }) {
  return (
    <pre className={styles.json} aria-label={label} role="group" tabIndex={0} dir="ltr">
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}
