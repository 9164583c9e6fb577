import { CircleAlert } from "lucide-react";
import type { Problem } from "../api/problem";
import type { Refusal } from "../api/useAction";
import { t } from "../texts";
import { Button } from "./Button";
import styles from "./Failure.module.css";

interface FailureProps {
  refusal?: Refusal;
  problem?: Problem;
  onRetry?: () => void;
}

/** A refusal or an unexpected problem, beside what caused it. Nothing without either. */
export function Failure({ refusal, problem, onRetry }: FailureProps) {
  const message = refusal?.message ?? problem?.message;
  if (!message) return null;
  return (
    <div className={styles.failure} role="alert">
      <CircleAlert aria-hidden="true" />
      <div className={styles.words}>
        <p>{message}</p>
        {problem?.id ? (
          <p className={styles.id}>
            {t("problem.id")} <code>{problem.id}</code>
          </p>
        ) : null}
      </div>
      {onRetry ? <Button onClick={onRetry}>{t("common.retry")}</Button> : null}
    </div>
  );
}
