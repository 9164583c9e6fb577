import { number } from "../texts/format";
import styles from "./Progress.module.css";

interface ProgressProps {
  label: string;
  done: number;
  /** Undefined while it is not known. */
  total?: number;
  /** How far it is, where no total says it. */
  percent?: number;
}

export function Progress({ label, done, total, percent }: ProgressProps) {
  const share = total === undefined ? percent && percent / 100 : done / (total || 1);
  return (
    <div className={styles.progress}>
      <div className={styles.words}>
        <span>{label}</span>
        <span className={styles.figures}>
          {total === undefined ? done > 0 && number(done) : `${number(done)} / ${number(total)}`}
        </span>
      </div>
      <progress aria-label={label} value={share} />
    </div>
  );
}
