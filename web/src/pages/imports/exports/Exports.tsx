import { FileDown } from "lucide-react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Checkbox, Select } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { EventsFilters } from "../../audit/EventsFilters";
import { eventsUrl } from "../../audit/eventsUrl";
import { canBeImpersonal, columnsOf, EVENTS, inputOf } from "./asked";
import { type Exportable, ExportsQuery, StartExport } from "./documents";
import { ExportRow } from "./ExportRow";
import styles from "./Exports.module.css";
import { exportsUrl, FORMATS } from "./exportsUrl";

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

function NewExport({ exportables, onStarted }: { exportables: readonly Exportable[]; onStarted: () => void }) {
  const [url, setUrl] = useUrlState(exportsUrl);
  const [events, setEvents] = useUrlState(eventsUrl);
  const { run, running, refusal, problem } = useAction(StartExport);
  const chosen = exportables.find(({ name }) => name === url.what);
  const start = async () => {
    if (await run({ input: inputOf(url, events) })) onStarted();
  };
  return (
    <div className={styles.form}>
      <div className={styles.fields}>
        <Select
          label={t("exports.what")}
          value={url.what}
          options={exportables.map(({ name }) => ({ value: name, label: name }))}
          onChange={(what) => setUrl({ what })}
        />
        <Select
          label={t("exports.format")}
          value={url.format}
          options={FORMATS.map((value) => ({ value, label: t(`exports.formats.${value}`) }))}
          onChange={(format) => setUrl({ format })}
        />
      </div>
      {url.what === EVENTS ? <EventsFilters url={events} setUrl={setEvents} /> : null}
      {canBeImpersonal(url) ? (
        <Checkbox
          label={t("exports.impersonal")}
          checked={url.impersonal}
          onChange={(event) => setUrl({ impersonal: event.target.checked })}
        />
      ) : null}
      {chosen ? (
        <p className={styles.about}>
          {chosen.question ? <span lang="en">{chosen.question}</span> : null}
          <span className={styles.columns}>{t("exports.columns", { columns: columnsOf(url, chosen).join(", ") })}</span>
        </p>
      ) : null}
      <Button kind="primary" icon={<FileDown aria-hidden="true" />} busy={running} onClick={start}>
        {t("exports.start")}
      </Button>
      <Failure refusal={refusal} problem={problem} />
    </div>
  );
}
