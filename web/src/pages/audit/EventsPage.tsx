import { FileDown } from "lucide-react";
import { useDeferredValue } from "react";
import { LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Checkbox } from "../../components/Field";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { exportsUrl } from "../imports/exports/exportsUrl";
import { AuditFrame } from "./AuditFrame";
import { EventsFilters } from "./EventsFilters";
import styles from "./EventsPage.module.css";
import { EventsTable } from "./EventsTable";
import { type EventsState, eventsUrl, filterOf } from "./eventsUrl";

/** Everything that ever happened, as the log has it. */
export function EventsPage() {
  const [url, setUrl] = useUrlState(eventsUrl);
  const asked = useDeferredValue(url);
  const { role } = useViewer();
  return (
    <AuditFrame section="events" actions={role === "ADMIN" ? <ExportButton url={url} /> : null}>
      <div className={styles.filters}>
        <EventsFilters url={url} setUrl={setUrl}>
          <Checkbox
            label={t("audit.live")}
            checked={url.live}
            onChange={(event) => setUrl({ live: event.target.checked })}
          />
        </EventsFilters>
      </div>
      <div className={styles.rows}>
        <EventsTable
          label={t("audit.section.events")}
          filter={filterOf(asked)}
          isLive={url.live}
          empty={<Empty title={t("audit.none")}>{t("audit.noneHint")}</Empty>}
        />
      </div>
    </AuditFrame>
  );
}

/** To the export of what is shown. */
function ExportButton({ url }: { url: EventsState }) {
  const shown = { ...eventsUrl.params({ ...url, live: false }), ...exportsUrl.params({ what: "events" }) };
  return (
    <LinkButton to="/imports/exports" search={shown} icon={<FileDown aria-hidden="true" />}>
      {t("exports.start")}
    </LinkButton>
  );
}
