import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { useAction } from "../../api/useAction";
import { Button } from "../../components/Button";
import { CopyText } from "../../components/CopyText";
import { Failure } from "../../components/Failure";
import { Select } from "../../components/Field";
import { PageHeader } from "../../components/PageHeader";
import { Panel } from "../../components/Panel";
import { t } from "../../texts";
import { bytes, number } from "../../texts/format";
import { useUrlState } from "../../url/useUrlState";
import { Columns } from "./newImport/Columns";
import { DryRun, FileQuery, PreviewQuery, StartImport } from "./newImport/documents";
import { FileDrop } from "./newImport/FileDrop";
import styles from "./newImport/NewImport.module.css";
import { inputOf, KINDS, type NewImportState, newImportUrl, pairs, withPair } from "./newImport/newImportUrl";
import { Options } from "./newImport/Options";
import { Rows } from "./newImport/Rows";
import { RunPanel } from "./newImport/RunPanel";

/** A file on its way in: dropped, looked at, tried, imported. */
export function NewImportPage() {
  const [url, setUrl] = useUrlState(newImportUrl);
  return (
    <>
      <PageHeader title={t("imports.new")} above={<Link to="/imports">{t("imports.section.imports")}</Link>} />
      <div className={styles.page}>
        {url.run ? <RunPanel key={url.run} id={url.run} /> : null}
        <Panel title={t("imports.file")} hint={t(`imports.kindHint.${url.kind}`)}>
          <Select
            label={t("imports.column.kind")}
            value={url.kind}
            options={KINDS.map((value) => ({ value, label: t(`imports.kind.${value}`) }))}
            onChange={(kind) => setUrl({ kind, columns: [], run: undefined })}
          />
          <FileDrop onUploaded={(file) => setUrl({ file, columns: [], run: undefined })} />
        </Panel>
        {url.file ? <Chosen fileId={url.file} url={url} setUrl={setUrl} /> : <PastResults />}
      </div>
    </>
  );
}

interface ChosenProps {
  fileId: string;
  url: NewImportState;
  setUrl: (changes: Partial<NewImportState>) => void;
}

function Chosen({ fileId, url, setUrl }: ChosenProps) {
  const [{ data: known, error: unread }] = useQuery({ query: FileQuery, variables: { id: fileId, kind: url.kind } });
  const input = inputOf(url, fileId);
  const file = known?.importFile;
  const [{ data, error, fetching }] = useQuery({ query: PreviewQuery, variables: { input }, pause: !file });
  const dryRun = useAction(DryRun);
  const start = useAction(StartImport);
  if (unread) return <Failure problem={problemOf(unread)} />;
  if (!known) return null;
  if (!file) return url.run ? null : <p>{t("imports.fileGone")}</p>;

  const tryIt = async () => {
    const run = (await dryRun.run({ input }))?.dryRunImport.run;
    if (run) setUrl({ run: uuidOf(run.id) });
  };
  const importIt = async () => {
    const run = (await start.run({ input }))?.startImport.run;
    if (run) setUrl({ run: uuidOf(run.id) });
  };
  const preview = data?.previewImport;
  const said = new Map(pairs(url.columns));
  const isReady = Boolean(preview && !preview.problem && !fetching);
  return (
    <>
      <Panel
        title={file.name}
        hint={t("imports.fileHint", {
          size: bytes(file.bytes),
          lines: preview?.lines == null ? "…" : number(preview.lines),
          system: preview?.system ?? t("imports.noSystem"),
        })}
        actions={
          <>
            <Button disabled={!isReady} busy={dryRun.running} onClick={tryIt}>
              {t("imports.try")}
            </Button>
            <Button kind="primary" disabled={!isReady} busy={start.running} onClick={importIt}>
              {t("imports.import")}
            </Button>
          </>
        }
      >
        <Failure refusal={dryRun.refusal ?? start.refusal} problem={dryRun.problem ?? start.problem} />
        <Failure problem={error && problemOf(error)} />
        {preview?.problem ? (
          <p className={styles.problem} role="alert">
            {preview.problem.message}
          </p>
        ) : null}
        {preview ? (
          <Columns
            columns={preview.columns}
            fields={known.importFields}
            asked={preview.problem?.columns ?? []}
            said={(column) => said.get(column)}
            onSay={(column, field) => setUrl({ columns: withPair(url.columns, column, field) })}
          />
        ) : null}
      </Panel>
      <Panel title={t("imports.options")}>
        <Options state={url} onChange={setUrl} />
      </Panel>
      {preview && preview.rows.length > 0 ? (
        <Panel title={t("imports.firstRows")}>
          <Rows rows={preview.rows} />
        </Panel>
      ) : null}
    </>
  );
}

/** What comes in on the server alone: it needs more words than a page has. */
function PastResults() {
  return (
    <Panel title={t("imports.kind.CAMPAIGN_RESULTS")} hint={t("imports.kindHint.CAMPAIGN_RESULTS")}>
      <CopyText label={t("imports.onServer")} text="commlog import campaign-results test.csv --help" />
    </Panel>
  );
}
