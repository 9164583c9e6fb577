import { SquareTerminal } from "lucide-react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { CopyText } from "../../../components/CopyText";
import { Failure } from "../../../components/Failure";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { SettingsFrame } from "../SettingsFrame";
import { Parked } from "./Parked";
import { ReadModels } from "./ReadModels";
import styles from "./SystemPage.module.css";
import { ParkedQuery, SystemQuery } from "./SystemQuery";

/** What an operator looks at: the tenant, the read tables and the events that they could not take. */
export function SystemPage() {
  const viewer = useViewer();
  const [{ data, error }, read] = useQuery({ query: SystemQuery });
  const [{ data: parked, error: parkedError }, readParked] = useQuery({ query: ParkedQuery });
  const readAgain = () => {
    read({ requestPolicy: "network-only" });
    readParked({ requestPolicy: "network-only" });
  };
  const problem = error ?? parkedError;
  return (
    <SettingsFrame section="system">
      <Failure problem={problem && problemOf(problem)} onRetry={readAgain} />
      {parked && parked.parked.length > 0 ? <Parked events={parked.parked} onChanged={readAgain} /> : null}
      <Panel title={t("system.tenant")} hint={t("system.tenantHint")}>
        {viewer.tenantName ? <p dir="auto">{viewer.tenantName}</p> : null}
        <CopyText label={t("system.tenantId")} text={viewer.tenantId} />
      </Panel>
      <Panel title={t("system.api")} hint={t("system.apiHint")}>
        {/* The server's own page, with a policy of its own: not one of the router's. */}
        <a href="/graphiql" className={styles.link}>
          <SquareTerminal aria-hidden="true" /> {t("system.graphiql")}
        </a>
      </Panel>
      <Panel title={t("system.readModels")} hint={t("system.readModelsHint")}>
        {data ? <ReadModels models={data.projections} /> : <Skeleton lines={12} />}
      </Panel>
    </SettingsFrame>
  );
}
