import { Download, ShieldCheck } from "lucide-react";
import { useQuery } from "urql";
import type { ResultOf } from "../../api/graphql";
import { problemOf } from "../../api/problem";
import { useAction } from "../../api/useAction";
import { Button } from "../../components/Button";
import { CopyText } from "../../components/CopyText";
import { Failure } from "../../components/Failure";
import { Panel } from "../../components/Panel";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { saveText } from "../../session/save";
import { t } from "../../texts";
import { number } from "../../texts/format";
import { AuditFrame } from "./AuditFrame";
import styles from "./IntegrityPage.module.css";
import { VerificationsQuery, VerifyLog } from "./VerificationQuery";
import { EarlierVerifications, LastVerification } from "./Verifications";

/** Whether somebody changed the log, and how one proves that nobody did. */
export function IntegrityPage() {
  const [{ data, error }, read] = useQuery({ query: VerificationsQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  const verifying = useAction(VerifyLog);
  const [last, ...earlier] = data?.verifications ?? [];
  const isRunning = last?.state === "RUNNING";
  return (
    <AuditFrame section="integrity">
      <div className={styles.content}>
        <Panel
          title={t("integrity.verify")}
          hint={t("integrity.verifyHint")}
          actions={
            <Button
              kind="primary"
              icon={<ShieldCheck aria-hidden="true" />}
              busy={verifying.running || isRunning}
              onClick={async () => {
                await verifying.run({});
                readAgain();
              }}
            >
              {t("integrity.verifyNow")}
            </Button>
          }
        >
          <Failure refusal={verifying.refusal} problem={verifying.problem} />
          <Failure problem={error && problemOf(error)} onRetry={readAgain} />
          {data || error ? null : <Skeleton lines={3} />}
          {last ? <LastVerification verification={last} onEnded={readAgain} /> : null}
          {data && !last ? <p className={styles.note}>{t("integrity.never")}</p> : null}
          {earlier.length > 0 ? <EarlierVerifications verifications={earlier} /> : null}
        </Panel>
        <Panel title={t("integrity.checkpoint")} hint={t("integrity.checkpointHint")}>
          {data?.checkpoints.length === 0 ? <p className={styles.note}>{t("integrity.noCheckpoint")}</p> : null}
          <ul className={styles.rows}>
            {data?.checkpoints.map((checkpoint) => (
              <Checkpoint key={checkpoint.text} checkpoint={checkpoint} />
            ))}
          </ul>
          <CopyText label={t("integrity.compare")} text="commlog verify --against log.checkpoint" />
        </Panel>
        <Panel title={t("integrity.prove")} hint={t("integrity.proveHint")}>
          <CopyText label={t("integrity.command")} text="commlog prove --help" />
        </Panel>
      </div>
    </AuditFrame>
  );
}

type CheckpointData = ResultOf<typeof VerificationsQuery>["checkpoints"][number];

function Checkpoint({ checkpoint: { events, recordedAt, root, text } }: { checkpoint: CheckpointData }) {
  const name = t("integrity.upTo", { events: number(events) });
  return (
    <li className={styles.row}>
      <span className={styles.words}>
        <span>
          {name} · <Time at={recordedAt} />
        </span>
        <code className={styles.root} title={t("integrity.root")}>
          {root}
        </code>
      </span>
      <Button
        icon={<Download aria-hidden="true" />}
        aria-label={`${t("integrity.save")}: ${name}`}
        onClick={() => saveText(`${text}\n`, "log.checkpoint")}
      >
        {t("integrity.save")}
      </Button>
    </li>
  );
}
