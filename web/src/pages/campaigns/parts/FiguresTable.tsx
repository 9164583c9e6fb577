import type { ReactNode } from "react";
import styles from "./FiguresTable.module.css";

export interface FiguresRow {
  id: string;
  name: ReactNode;
  cells: readonly ReactNode[];
}

interface FiguresTableProps {
  label: string;
  /** The heading of the names, then one of each figure. */
  head: readonly string[];
  rows: readonly FiguresRow[];
  empty: string;
}

/** A short table of figures: names at the left, which scrolls sideways where it does not fit. */
export function FiguresTable({ label, head, rows, empty }: FiguresTableProps) {
  if (rows.length === 0) return <p className={styles.empty}>{empty}</p>;
  return (
    <section className={styles.scroll} aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {head.map((one) => (
              <th key={one} scope="col">
                {one}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row">{row.name}</th>
              {row.cells.map((cell, index) => (
                <td key={head[index + 1]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
