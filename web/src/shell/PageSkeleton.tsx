import { Skeleton } from "../components/Skeleton";
import { t } from "../texts";
import styles from "./PageSkeleton.module.css";

/** The shape of a page while its code or the first answer is on its way. */
export function PageSkeleton() {
  return (
    <div className={styles.page}>
      <span className="hidden-visually" role="status">
        {t("common.loading")}
      </span>
      <div className={styles.head}>
        <Skeleton width="160px" />
      </div>
      <Skeleton lines={9} />
    </div>
  );
}
