import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import { dateTime, exactly } from "../../../texts/format";
import { type Attempt, attemptsOf } from "../attempts";
import type { LogEntry } from "../MessageQuery";
import styles from "./Attempts.module.css";

const TONES = { taken: "good", failed: "bad", inDoubt: "warn", running: "neutral" } as const;
const CHOICES = ["only", "priority", "share", "price", "delivery", "name", "failover"] as const;
const LEFT_OUT = ["country", "domain", "circuit"] as const;

/** Each call of a provider: by which account, why by this one, and how it ended. */
export function Attempts({ entries, isLoading }: { entries: readonly LogEntry[]; isLoading: boolean }) {
  const attempts = attemptsOf(entries);
  return (
    <Panel title={t("message.attempts")}>
      {isLoading ? <Skeleton lines={2} /> : null}
      {!isLoading && attempts.length === 0 ? <p className={styles.none}>{t("message.attemptsNone")}</p> : null}
      <ol className={styles.attempts}>
        {attempts.map((attempt) => (
          <li key={`${attempt.number} ${attempt.at}`} className={styles.attempt}>
            <p className={styles.line}>
              <Badge tone={TONES[attempt.result]}>{t(`message.attemptResult.${attempt.result}`)}</Badge>
              <bdi>
                {attempt.provider} · {attempt.account}
              </bdi>
              <time dateTime={attempt.at} title={exactly(attempt.at)}>
                {dateTime(attempt.at)}
              </time>
            </p>
            <p className={styles.why}>
              {[
                attempt.code,
                attempt.retryAt && t("message.retryAt", { time: dateTime(attempt.retryAt) }),
                t("message.chosen", { why: choiceOf(attempt) }),
              ]
                .filter(Boolean)
                .join(" · ")}
            </p>
            {attempt.considered.length > 1 ? <Choice attempt={attempt} /> : null}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function choiceOf({ by }: Attempt): string {
  const known = CHOICES.find((one) => one === (by ?? "only"));
  return known ? t(`message.chosenBy.${known}`) : (by ?? "");
}

function Choice({ attempt }: { attempt: Attempt }) {
  return (
    <details className={styles.choice}>
      <summary>{t("message.considered")}</summary>
      <ol>
        {attempt.considered.map(({ provider, account, leftOut }) => {
          const known = LEFT_OUT.find((one) => one === leftOut);
          return (
            <li key={`${provider} ${account}`}>
              <bdi>
                {provider} · {account}
              </bdi>
              {leftOut
                ? ` · ${t("message.leftOut", { why: known ? t(`message.leftOutBy.${known}`) : leftOut })}`
                : null}
            </li>
          );
        })}
      </ol>
    </details>
  );
}
