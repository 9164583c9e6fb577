import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { graphql } from "../../api/graphql";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { useChanges } from "../../api/useChanges";
import { LinkButton } from "../../components/Button";
import { Failure } from "../../components/Failure";
import { Panel } from "../../components/Panel";
import { Progress } from "../../components/Progress";
import { Skeleton } from "../../components/Skeleton";
import { t } from "../../texts";
import { dateTime } from "../../texts/format";
import { CampaignStatus } from "../campaigns/parts/CampaignStatus";
import styles from "./TodayPage.module.css";

/** Those that began last are among the first so many. */
const RunningQuery = graphql(`
  query RunningCampaigns {
    campaigns(first: 100) {
      nodes {
        id
        name
        state
        startAt
        reason
        progress {
          recipients
          decided
        }
      }
    }
  }
`);

/** Campaigns that send, wait for their time, or were stopped on the way. */
export function RunningCampaigns() {
  const [{ data, error }, read] = useQuery({ query: RunningQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  useChanges(["campaigns"], readAgain);
  const running = data?.campaigns.nodes.filter(
    ({ state }) => state === "RUNNING" || state === "PAUSED" || state === "SCHEDULED",
  );
  return (
    <Panel
      title={t("nav.campaigns")}
      hint={t("today.campaignsHint")}
      actions={
        <LinkButton to="/campaigns" kind="quiet">
          {t("today.all")}
        </LinkButton>
      }
    >
      <Failure problem={error && problemOf(error)} onRetry={readAgain} />
      {data || error ? null : <Skeleton lines={3} />}
      {running?.length === 0 ? <p className={styles.none}>{t("today.noCampaigns")}</p> : null}
      <ul className={styles.rows}>
        {running?.map(({ id, name, state, startAt, reason, progress }) => (
          <li key={id}>
            <div>
              <Link to="/campaigns/$campaignId" params={{ campaignId: uuidOf(id) }} className={styles.name}>
                <bdi>{name ?? uuidOf(id)}</bdi>
              </Link>
              {state === "SCHEDULED" && startAt ? <p className={styles.detail}>{dateTime(startAt)}</p> : null}
              {state === "PAUSED" && reason ? <p className={styles.detail}>{reason}</p> : null}
              {state === "RUNNING" ? (
                <Progress label={t("today.decided")} done={progress.decided} total={progress.recipients} />
              ) : null}
            </div>
            <CampaignStatus state={state} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
