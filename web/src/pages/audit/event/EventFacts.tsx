import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { uuidOf } from "../../../api/ids";
import { Facts } from "../../../components/Facts";
import { t } from "../../../texts";
import { exactly } from "../../../texts/format";
import { eventsUrl } from "../eventsUrl";
import { streamOf } from "../streams";
import styles from "./EventPage.module.css";
import type { LogEvent } from "./EventQuery";

/** The page of what a stream is about, where there is one. */
function subjectLink({ stream }: LogEvent): ReactNode {
  const parts = streamOf(stream);
  const words = t("event.open");
  if (parts?.category === "CUSTOMER") {
    return (
      <Link to="/customers/$customerId" params={{ customerId: parts.key }}>
        {words}
      </Link>
    );
  }
  return null;
}

export function EventFacts({ event }: { event: LogEvent }) {
  const filtered = (name: "stream" | "actor" | "correlation", value: string) => (
    <Link to="/audit" search={eventsUrl.params({ [name]: value })} className={styles.value}>
      {value}
    </Link>
  );
  return (
    <Facts
      facts={[
        [
          t("audit.column.stream"),
          <span key="stream" className={styles.line}>
            {filtered("stream", event.stream)} {subjectLink(event)}
          </span>,
        ],
        [t("event.version"), event.version],
        [
          t("event.position"),
          <code key="position" className={styles.value}>
            {event.position}
          </code>,
        ],
        [t("event.occurred"), exactly(event.occurredAt)],
        [t("event.recorded"), exactly(event.recordedAt)],
        [
          t("audit.column.actor"),
          <span key="actor" className={styles.line}>
            {filtered("actor", event.actor)} <bdi>{event.author.name}</bdi>
          </span>,
        ],
        [t("event.command"), event.commandId && <code className={styles.value}>{event.commandId}</code>],
        [
          t("event.causedBy"),
          event.causationId && (
            <Link to="/audit/events/$eventId" params={{ eventId: uuidOf(event.causationId) }} className={styles.value}>
              {uuidOf(event.causationId)}
            </Link>
          ),
        ],
        [t("event.correlation"), event.correlationId && filtered("correlation", event.correlationId)],
        [
          t("event.id"),
          <code key="id" className={styles.value}>
            {uuidOf(event.id)}
          </code>,
        ],
        [t("event.schema"), t("event.schemaOf", { version: event.schemaVersion, epoch: event.epoch })],
      ]}
    />
  );
}
