import { Link } from "@tanstack/react-router";
import { Undo2 } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { useChanges } from "../../api/useChanges";
import { Button, LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { useViewer } from "../../session/viewer";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { EventsTable } from "../audit/EventsTable";
import { ImportFacts } from "./ImportFacts";
import { ImportState } from "./ImportState";
import styles from "./Imports.module.css";
import { ImportQuery } from "./ImportsQuery";
import { importRoute } from "./routes";
import { UndoImport } from "./UndoImport";

/** One import: what it brought, what it refused, and how to take it back. */
export function ImportPage() {
  const { importId } = importRoute.useParams();
  return <ImportOf key={importId} id={importId} />;
}

function ImportOf({ id }: { id: string }) {
  const { role } = useViewer();
  const [isUndoing, setIsUndoing] = useState(false);
  const [{ data, error }, read] = useQuery({ query: ImportQuery, variables: { id } });
  const readAgain = () => read({ requestPolicy: "network-only" });
  useChanges(["imports"], readAgain);
  const found = data?.import;
  const above = <Link to="/imports">{t("imports.section.imports")}</Link>;
  if (!data && !error) return <PageSkeleton />;
  if (!found) {
    return (
      <>
        <PageHeader title={t("imports.unknown")} above={above} />
        {error ? (
          <div className={styles.page}>
            <Failure problem={problemOf(error)} onRetry={readAgain} />
          </div>
        ) : (
          <Empty title={t("imports.unknown")} action={<LinkButton to="/imports">{t("nav.imports")}</LinkButton>} />
        )}
      </>
    );
  }

  const title = found.fileName ?? t("imports.nameless");
  const readsEvents = role === "ADMIN" || role === "AUDITOR";
  return (
    <div className={styles.frame}>
      <PageHeader
        title={title}
        above={above}
        actions={
          found.state === "UNDONE" ? null : (
            <Button kind="danger" icon={<Undo2 aria-hidden="true" />} onClick={() => setIsUndoing(true)}>
              {t("imports.undo")}
            </Button>
          )
        }
      >
        <bdi>{title}</bdi> <ImportState state={found.state} />
      </PageHeader>
      <div className={styles.page}>
        <ImportFacts row={found} />
      </div>
      {readsEvents ? (
        <>
          <h2 className={styles.heading}>{t("imports.events")}</h2>
          <div className={styles.events}>
            <EventsTable
              label={t("imports.events")}
              filter={{ correlationId: uuidOf(found.id) }}
              isLive
              empty={<Empty title={t("audit.none")} />}
            />
          </div>
        </>
      ) : null}
      {isUndoing ? <UndoImport row={found} onDone={readAgain} onClose={() => setIsUndoing(false)} /> : null}
    </div>
  );
}
