import { t } from "../texts";
import styles from "./Person.module.css";

/** The first letters of the first and last word. */
export function initials(name: string): string {
  // Marks of direction and joiners are no letters.
  const words = name
    .replace(/\p{Cf}/gu, "")
    .trim()
    .split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}

/** A customer or colleague by name; names of any script keep their own direction. */
export function Person({ name, isForgotten = false }: { name: string | null; isForgotten?: boolean }) {
  const shown = isForgotten ? t("customers.forgotten") : (name ?? t("customers.nameless"));
  return (
    <span className={styles.person}>
      <span className={styles.initials} aria-hidden="true">
        {name ? initials(name) : "–"}
      </span>
      <bdi className={`${styles.name} ${name ? "" : styles.nameless}`} title={shown}>
        {shown}
      </bdi>
    </span>
  );
}
