import { Download, Square } from "lucide-react";
import { useState } from "react";
import { useQuery, useSubscription } from "urql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button, LinkButton } from "../../../components/Button";
import { Facts } from "../../../components/Facts";
import { Failure } from "../../../components/Failure";
import { Panel } from "../../../components/Panel";
import { Progress } from "../../../components/Progress";
import { save } from "../../../session/save";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import { type Run, RunProgress, RunQuery, StopRun } from "./documents";
import styles from "./NewImport.module.css";

/** A run, as it goes on; a reload shows the same. */
export function RunPanel({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: RunQuery, variables: { id } });
  // What arrives changes the run in the cache, and so here.
  useSubscription({
    query: RunProgress,
    variables: { id },
    pause: !data?.importRun || isOver(data.importRun),
  });
  if (error) return <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return null;
  if (!data.importRun) {
    return (
      <Panel title={t("imports.runUnknown")} hint={t("imports.runUnknownHint")}>
        <LinkButton to="/imports">{t("imports.section.imports")}</LinkButton>
      </Panel>
    );
  }
  return <Shown run={data.importRun} />;
}

const isOver = ({ state }: Run) => state !== "WAITING" && state !== "RUNNING";

function Shown({ run }: { run: Run }) {
  const { figures } = run;
  const title = t(run.isDryRun ? `imports.tried.${run.state}` : `imports.ran.${run.state}`);
  return (
    <Panel
      title={title}
      hint={run.isDryRun ? t("imports.triedHint") : undefined}
      actions={isOver(run) ? <Ended run={run} /> : <Stop id={run.id} />}
    >
      {isOver(run) ? null : (
        <Progress label={t("imports.reading")} done={figures.linesRead} total={run.lines ?? undefined} />
      )}
      {run.problem ? (
        <p className={styles.problem} role="alert">
          {run.problem.message}
        </p>
      ) : null}
      <Facts
        facts={[
          [t("imports.rows"), number(figures.rows)],
          [t("imports.already"), number(figures.already)],
          [t("imports.registered"), number(figures.registered)],
          [t("imports.joined"), figures.joined > 0 && number(figures.joined)],
          [t("imports.corrected"), figures.corrected > 0 && number(figures.corrected)],
          [t("imports.optOuts"), number(figures.optOuts)],
          [t("imports.column.appended"), number(figures.appended)],
          [t("imports.column.refused"), number(figures.refused)],
        ]}
      />
      <Reasons title={t("imports.refusals")} reasons={figures.refusals} />
      <Reasons title={t("imports.leftOut")} reasons={figures.leftOut} />
    </Panel>
  );
}

function Ended({ run }: { run: Run }) {
  const [hasFailed, setHasFailed] = useState(false);
  const url = run.refusedUrl;
  return (
    <>
      {url ? (
        <Button
          icon={<Download aria-hidden="true" />}
          onClick={async () => setHasFailed(!(await save(url, "refused.csv")))}
        >
          {hasFailed ? t("problem.offline") : t("imports.downloadRefused")}
        </Button>
      ) : null}
      {run.importId ? (
        <LinkButton to="/imports/$importId" params={{ importId: uuidOf(run.importId) }}>
          {t("imports.openImport")}
        </LinkButton>
      ) : null}
    </>
  );
}

function Stop({ id }: { id: string }) {
  const { run, running, problem } = useAction(StopRun);
  return (
    <>
      <Failure problem={problem} />
      <Button icon={<Square aria-hidden="true" />} busy={running} onClick={() => run({ runId: id })}>
        {t("imports.stop")}
      </Button>
    </>
  );
}

function Reasons({ title, reasons }: { title: string; reasons: Run["figures"]["refusals"] }) {
  if (reasons.length === 0) return null;
  return (
    <>
      <h3 className={styles.reasons}>{title}</h3>
      <ul className={styles.rows}>
        {reasons.map(({ reason, count, firstLine }) => (
          <li key={reason}>{t("imports.reason", { count, line: number(firstLine), reason })}</li>
        ))}
      </ul>
    </>
  );
}
