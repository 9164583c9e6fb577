import { FileDown } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useQuery } from "urql";
import type { ResultOf } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { ExportsQuery, StartExport } from "./documents";
import { ExportRow } from "./ExportRow";
import styles from "./Exports.module.css";

/** Starts exports, and shows those that the server has. */
export function Exports() {
  const [{ data, error }, read] = useQuery({ query: ExportsQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  return (
    <>
      <Panel title={t("exports.new")} hint={t("exports.newHint")}>
        <Failure problem={error && problemOf(error)} onRetry={readAgain} />
        {data ? <NewExport exportables={data.exportables} onStarted={readAgain} /> : null}
        {data || error ? null : <Skeleton lines={3} />}
      </Panel>
      {data && data.exports.length > 0 ? (
        <Panel title={t("exports.files")} hint={t("exports.filesHint")}>
          <ul className={styles.rows} aria-label={t("exports.files")}>
            {data.exports.map((one) => (
              <ExportRow key={one.id} file={one} onRemoved={readAgain} />
            ))}
          </ul>
        </Panel>
      ) : null}
    </>
  );
}

type Exportables = ResultOf<typeof ExportsQuery>["exportables"];

const FORMATS = {
  SPREADSHEET: { format: "CSV", spreadsheet: true },
  CSV: { format: "CSV", spreadsheet: false },
  JSONL: { format: "JSONL", spreadsheet: false },
} as const;

function NewExport({ exportables, onStarted }: { exportables: Exportables; onStarted: () => void }) {
  const [what, setWhat] = useState("customers");
  const [format, setFormat] = useState<keyof typeof FORMATS>("SPREADSHEET");
  const { run, running, refusal, problem } = useAction(StartExport);
  const chosen = exportables.find(({ name }) => name === what);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await run({ input: { what, ...FORMATS[format] } })) onStarted();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={styles.fields}>
        <Select
          label={t("exports.what")}
          value={what}
          options={exportables.map(({ name }) => ({ value: name, label: name }))}
          onChange={setWhat}
        />
        <Select
          label={t("exports.format")}
          value={format}
          options={[
            { value: "SPREADSHEET", label: t("exports.formats.SPREADSHEET") },
            { value: "CSV", label: t("exports.formats.CSV") },
            { value: "JSONL", label: t("exports.formats.JSONL") },
          ]}
          onChange={setFormat}
        />
        <Button type="submit" kind="primary" icon={<FileDown aria-hidden="true" />} busy={running}>
          {t("exports.start")}
        </Button>
      </div>
      {chosen ? (
        <p className={styles.about}>
          {chosen.question ? <span lang="en">{chosen.question}</span> : null}
          <span className={styles.columns}>{t("exports.columns", { columns: chosen.columns.join(", ") })}</span>
        </p>
      ) : null}
      <Failure refusal={refusal} problem={problem} />
    </form>
  );
}
