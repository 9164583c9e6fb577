import { Download, Trash2 } from "lucide-react";
import { useState } from "react";
import { useSubscription } from "urql";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Progress } from "../../../components/Progress";
import { Badge } from "../../../components/Status";
import { DateOnly, Time } from "../../../components/Time";
import { save } from "../../../session/save";
import { t } from "../../../texts";
import { bytes, number } from "../../../texts/format";
import { type Export, ExportProgress, RemoveExport } from "./documents";
import styles from "./Exports.module.css";

/** An export as it goes on, then its file; a reload shows the same. */
export function ExportRow({ file, onRemoved }: { file: Export; onRemoved: () => void }) {
  const { id, what, format, spreadsheet, state, author, askedAt, rows, total, percent, expiresAt, problem } = file;
  const isOver = state === "DONE" || state === "FAILED";
  // What arrives changes the export in the cache, and so here.
  useSubscription({ query: ExportProgress, variables: { id }, pause: isOver });
  const removing = useAction(RemoveExport);
  const kind = [
    t(`exports.formats.${spreadsheet ? "SPREADSHEET" : format}`),
    file.isSelection ? t("exports.selection") : "",
    file.withoutPersonalData ? t("exports.impersonal") : "",
  ].filter(Boolean);
  return (
    <li className={styles.row}>
      <div className={styles.words}>
        <span className={styles.name}>
          <strong>{what}</strong> <span className={styles.kind}>{kind.join(" · ")}</span>
          {state === "FAILED" ? <Badge tone="bad">{t("exports.state.FAILED")}</Badge> : null}
        </span>
        {isOver ? (
          <span className={styles.facts}>
            {state === "DONE" ? `${t("exports.rows", { count: rows, rows: number(rows) })} · ` : null}
            {state === "DONE" && file.bytes !== null ? `${bytes(Number(file.bytes))} · ` : null}
            <Time at={askedAt} /> · <bdi>{author.name ?? author.actor}</bdi>
          </span>
        ) : (
          <Progress
            label={t(state === "WAITING" ? "exports.state.WAITING" : "exports.state.RUNNING")}
            done={rows}
            total={total ?? undefined}
            percent={percent ?? undefined}
          />
        )}
        {expiresAt ? (
          <span className={styles.facts}>
            {t("exports.keptUntil")} <DateOnly at={expiresAt} />
          </span>
        ) : null}
        {problem ? <span className={styles.problem}>{t(`exports.problem.${problem}`)}</span> : null}
        <Failure refusal={removing.refusal} problem={removing.problem} />
      </div>
      <div className={styles.actions}>
        {file.url ? <DownloadFile file={file} url={file.url} /> : null}
        <IconButton
          label={t(isOver ? "exports.remove" : "exports.stop", { what })}
          icon={<Trash2 />}
          disabled={removing.running}
          onClick={async () => {
            if (await removing.run({ id })) onRemoved();
          }}
        />
      </div>
    </li>
  );
}

function DownloadFile({ file, url }: { file: Export; url: string }) {
  const [isSaving, setIsSaving] = useState(false);
  const [hasFailed, setHasFailed] = useState(false);
  const name = `${file.what}-${file.askedAt.slice(0, 10)}.${file.format.toLowerCase()}`;
  const download = async () => {
    setIsSaving(true);
    setHasFailed(!(await save(url, name)));
    setIsSaving(false);
  };
  return (
    <Button icon={<Download aria-hidden="true" />} busy={isSaving} onClick={download}>
      {t(hasFailed ? "exports.gone" : "exports.download")}
    </Button>
  );
}
