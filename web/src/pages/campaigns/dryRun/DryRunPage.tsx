import { Link } from "@tanstack/react-router";
import { Play, RefreshCw } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { Button, LinkButton } from "../../../components/Button";
import { Facts } from "../../../components/Facts";
import { Failure } from "../../../components/Failure";
import { PageHeader } from "../../../components/PageHeader";
import { Progress } from "../../../components/Progress";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { dateTime, list, number } from "../../../texts/format";
import { optional, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import { StartDialog } from "../actions/StartDialog";
import { CampaignQuery } from "../CampaignQuery";
import { Funnel } from "../parts/Funnel";
import { campaignName } from "../parts/names";
import styles from "../parts/sections.module.css";
import { dryRunRoute } from "../routes";
import { stepsOf } from "./funnelSteps";
import { Samples } from "./Samples";

const DryRunQuery = graphql(`
  query CampaignDryRun($id: ID!) {
    dryRunCampaign(campaignId: $id) {
      dryRun {
        audience
        excluded
        suppressed
        held
        queued
        segments
        finishedAt
        templates {
          code
          version
        }
        outcomes {
          outcome
          customers
          refusal
          samples
        }
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

const dryRunUrl = urlState({ outcome: optional() });

/** The decisions of the run itself, for everybody of the audience; nothing is recorded and nobody is written to. */
export function DryRunPage() {
  const { campaignId } = dryRunRoute.useParams();
  const viewer = useViewer();
  const [url, setUrl] = useUrlState(dryRunUrl);
  const [isStarting, setIsStarting] = useState(false);
  const [campaign] = useQuery({ query: CampaignQuery, variables: { id: campaignId } });
  const [{ data, error, fetching }, run] = useQuery({
    query: DryRunQuery,
    variables: { id: campaignId },
    // What was true yesterday says little about today.
    requestPolicy: "network-only",
  });
  const { dryRun, refusal } = data?.dryRunCampaign ?? {};
  const found = campaign.data?.campaign;
  const name = found ? campaignName(found) : t("nav.campaigns");
  const chosen = dryRun?.outcomes.find((one) => one.outcome === url.outcome);
  return (
    <>
      <PageHeader
        title={t("dryRun.titleOf", { name })}
        above={
          <Link to="/campaigns/$campaignId" params={{ campaignId }}>
            {name}
          </Link>
        }
        actions={
          <>
            <Button icon={<RefreshCw />} busy={fetching} onClick={() => run({ requestPolicy: "network-only" })}>
              {t("dryRun.again")}
            </Button>
            {found?.state === "DRAFT" && mayAuthor(viewer) ? (
              <LinkButton to="/campaigns/$campaignId/plan" params={{ campaignId }}>
                {t("campaign.edit")}
              </LinkButton>
            ) : null}
            {found?.state === "DRAFT" && viewer.maySend ? (
              <Button kind="primary" icon={<Play />} onClick={() => setIsStarting(true)}>
                {t("campaign.start")}
              </Button>
            ) : null}
          </>
        }
      >
        {t("dryRun.title")}
      </PageHeader>
      <div className={styles.page}>
        {fetching && !dryRun ? <Progress label={t("dryRun.running")} done={0} /> : null}
        <Failure
          refusal={refusal ?? undefined}
          problem={error && problemOf(error)}
          onRetry={() => run({ requestPolicy: "network-only" })}
        />
        {dryRun ? (
          <div className={styles.columns}>
            <section className={styles.section} aria-labelledby="funnel">
              <h2 id="funnel">{t("dryRun.funnel")}</h2>
              <Funnel
                label={t("dryRun.funnel")}
                total={dryRun.audience}
                steps={stepsOf(dryRun)}
                chosen={url.outcome}
                link={(step, words) =>
                  dryRun.outcomes.some((one) => one.outcome === step.id) ? (
                    <button
                      type="button"
                      className={styles.link}
                      aria-pressed={step.id === url.outcome}
                      onClick={() => setUrl({ outcome: step.id })}
                    >
                      {words}
                    </button>
                  ) : (
                    <span>{words}</span>
                  )
                }
              />
              <p className={styles.note}>{t("dryRun.hint")}</p>
            </section>
            <div className={styles.section}>
              {chosen ? <Samples key={chosen.outcome} outcome={chosen} /> : null}
              <section className={styles.section} aria-labelledby="facts">
                <h2 id="facts">{t("campaign.facts")}</h2>
                <Facts
                  facts={[
                    [t("dryRun.messages"), number(dryRun.queued + dryRun.held)],
                    [t("dryRun.segments"), number(dryRun.segments)],
                    [t("dryRun.finished"), dryRun.finishedAt ? dateTime(dryRun.finishedAt) : t("dryRun.never")],
                    [
                      t("campaign.fact.templates"),
                      list(dryRun.templates.map((one) => t("campaign.templateVersion", { ...one }))),
                    ],
                  ]}
                />
              </section>
            </div>
          </div>
        ) : null}
      </div>
      {isStarting && found ? <StartDialog campaign={found} onClose={() => setIsStarting(false)} /> : null}
    </>
  );
}
