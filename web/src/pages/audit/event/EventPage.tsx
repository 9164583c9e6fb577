import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { LinkButton } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Json } from "../../../components/Json";
import { PageHeader } from "../../../components/PageHeader";
import { Panel } from "../../../components/Panel";
import { PageSkeleton } from "../../../shell/PageSkeleton";
import { t } from "../../../texts";
import { eventRoute } from "../routes";
import { Chain } from "./Chain";
import { EventFacts } from "./EventFacts";
import styles from "./EventPage.module.css";
import { EventQuery } from "./EventQuery";
import { PersonalPart } from "./PersonalPart";

/** One event of the log: what it says, who caused it, and how it hangs in its stream's chain of hashes. */
export function EventPage() {
  const { eventId } = eventRoute.useParams();
  return <EventOf key={eventId} id={`Event:${eventId}`} />;
}

function EventOf({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: EventQuery, variables: { id } });
  const event = data?.node?.__typename === "Event" ? data.node : undefined;
  const above = <Link to="/audit">{t("audit.section.events")}</Link>;
  if (!data && !error) return <PageSkeleton />;
  if (!event) {
    return (
      <>
        <PageHeader title={t("event.unknown")} above={above} />
        {error ? (
          <div className={styles.page}>
            <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
          </div>
        ) : (
          <Empty title={t("event.unknown")} action={<LinkButton to="/audit">{t("nav.audit")}</LinkButton>}>
            {t("event.unknownHint")}
          </Empty>
        )}
      </>
    );
  }
  return (
    <>
      <PageHeader title={event.type} above={above} />
      <div className={styles.page}>
        <Panel title={t("event.facts")}>
          <EventFacts event={event} />
        </Panel>
        <Panel title={t("event.data")} hint={t("event.dataHint")}>
          <Json label={t("event.data")} value={event.data} />
        </Panel>
        <PersonalPart event={event} />
        <Chain event={event} />
      </div>
    </>
  );
}
