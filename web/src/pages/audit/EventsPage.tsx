import { useDeferredValue } from "react";
import { Empty } from "../../components/Empty";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { AuditFrame } from "./AuditFrame";
import { EventsFilters } from "./EventsFilters";
import styles from "./EventsPage.module.css";
import { EventsTable } from "./EventsTable";
import { eventsUrl, filterOf } from "./eventsUrl";

/** Everything that ever happened, as the log has it. */
export function EventsPage() {
  const [url, setUrl] = useUrlState(eventsUrl);
  const asked = useDeferredValue(url);
  return (
    <AuditFrame section="events">
      <EventsFilters url={url} setUrl={setUrl} />
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
