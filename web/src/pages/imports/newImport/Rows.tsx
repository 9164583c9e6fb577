import { t } from "../../../texts";
import { number } from "../../../texts/format";
import styles from "./NewImport.module.css";

interface Row {
  line: number;
  text: string | null;
  refusal: string | null;
}

/** The first rows as they are understood. */
export function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <ol className={styles.rows}>
      {rows.map((row) => (
        <li key={row.line} className={row.refusal ? styles.refused : undefined}>
          {row.text ? (
            <bdi>{row.text}</bdi>
          ) : (
            t("imports.refusedLine", { line: number(row.line), reason: row.refusal ?? "" })
          )}
        </li>
      ))}
    </ol>
  );
}
