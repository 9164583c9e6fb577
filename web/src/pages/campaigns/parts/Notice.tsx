import { Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./Notice.module.css";

/** Something that people should know before they go on. */
export function Notice({ isWarning = false, children }: { isWarning?: boolean; children: ReactNode }) {
  return (
    <div className={`${styles.notice} ${isWarning ? styles.warning : ""}`} role="status">
      {isWarning ? <TriangleAlert aria-hidden="true" /> : <Info aria-hidden="true" />}
      <div className={styles.words}>{children}</div>
    </div>
  );
}
