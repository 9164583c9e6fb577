import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useSubscription } from "urql";
import { uuidOf } from "../../api/ids";
import { Facts } from "../../components/Facts";
import { Progress } from "../../components/Progress";
import { Badge } from "../../components/Status";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { number } from "../../texts/format";
import styles from "./IntegrityPage.module.css";
import { type Verification, VerificationProgress } from "./VerificationQuery";

const TONES = { RUNNING: "neutral", WHOLE: "good", BROKEN: "bad", FAILED: "warn" } as const;

const State = ({ verification: { state } }: { verification: Verification }) => (
  <Badge tone={TONES[state]}>{t(`integrity.state.${state}`)}</Badge>
);

interface LastProps {
  verification: Verification;
  /** Its end brings a checkpoint. */
  onEnded: () => void;
}

/** A verification as it goes on; a reload shows the same. */
export function LastVerification({ verification, onEnded }: LastProps) {
  const { id, state } = verification;
  const isRunning = state === "RUNNING";
  // What arrives changes the verification in the cache, and so here.
  useSubscription({ query: VerificationProgress, variables: { id }, pause: !isRunning });
  const wasRunning = useRef(false);
  useEffect(() => {
    if (wasRunning.current && !isRunning) onEnded();
    wasRunning.current = isRunning;
  });
  const { author, startedAt, endedAt, events, total, streams, matchesKept } = verification;
  return (
    <div className={styles.last} data-state={state}>
      {isRunning ? (
        <Progress label={t("integrity.progress")} done={events} total={total ?? undefined} />
      ) : (
        <p className={styles.result} role="status">
          <State verification={verification} />{" "}
          {state === "WHOLE" ? t("integrity.whole", { events: number(events), streams: number(streams ?? 0) }) : null}
          {state === "BROKEN" ? t("integrity.broken") : null}
        </p>
      )}
      <Problem verification={verification} />
      <Facts
        facts={[
          [t("integrity.started"), <Time key="at" at={startedAt} />],
          [t("integrity.ended"), endedAt && <Time key="at" at={endedAt} />],
          [t("integrity.by"), <bdi key="by">{author.name ?? author.actor}</bdi>],
          [
            t("integrity.against"),
            state === "WHOLE" &&
              (matchesKept === null
                ? t("integrity.againstNone")
                : t("integrity.againstKept", { events: number(matchesKept) })),
          ],
        ]}
      />
    </div>
  );
}

function Problem({ verification: { problem } }: { verification: Verification }) {
  if (!problem) return null;
  const { code, message, position, eventId, eventType } = problem;
  return (
    <p className={styles.problem} role={code === "INTERRUPTED" ? undefined : "alert"}>
      {t(`integrity.problem.${code}`, { message })}{" "}
      {eventId ? (
        <Link to="/audit/events/$eventId" params={{ eventId: uuidOf(eventId) }}>
          {eventType ?? t("integrity.event")}
        </Link>
      ) : position ? (
        <code className={styles.root}>{t("integrity.position", { position })}</code>
      ) : null}
    </p>
  );
}

/** What came of earlier ones. */
export function EarlierVerifications({ verifications }: { verifications: readonly Verification[] }) {
  return (
    <details className={styles.earlier}>
      <summary>{t("integrity.earlier", { count: verifications.length })}</summary>
      <ul className={styles.rows}>
        {verifications.map((one) => (
          <li key={one.id} className={styles.row}>
            <State verification={one} />
            <span className={styles.words}>
              <span>
                <Time at={one.startedAt} /> · <bdi>{one.author.name ?? one.author.actor}</bdi>
              </span>
              <span className={styles.note}>{t("integrity.verified", { events: number(one.events) })}</span>
              <Problem verification={one} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
