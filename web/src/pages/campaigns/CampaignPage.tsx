import { Link } from "@tanstack/react-router";
import { useQuery, useSubscription } from "urql";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { Tabs } from "../../components/Tabs";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { CampaignActions } from "./CampaignActions";
import styles from "./CampaignPage.module.css";
import { type Campaign, CampaignChanges, CampaignQuery } from "./CampaignQuery";
import { campaignUrl } from "./campaignUrl";
import { Comparison } from "./comparison/Comparison";
import { Overview } from "./OverviewTab";
import { CampaignStatus } from "./parts/CampaignStatus";
import { campaignName } from "./parts/names";
import { PlanSummary } from "./plan/PlanSummary";
import { Recipients } from "./recipients/Recipients";
import { Results } from "./results/Results";
import { campaignRoute } from "./routes";

export function CampaignPage() {
  const { campaignId } = campaignRoute.useParams();
  return <Loaded key={campaignId} id={campaignId} />;
}

function Loaded({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: CampaignQuery, variables: { id } });
  // Each change arrives as the campaign itself: the cache shows it wherever it stands.
  useSubscription({ query: CampaignChanges, variables: { id }, pause: !data?.campaign?.state });
  if (!data && !error) return <PageSkeleton />;
  if (data?.campaign) return <Shown campaign={data.campaign} />;
  return (
    <>
      <PageHeader title={t("campaign.unknown")} above={<Link to="/campaigns">{t("nav.campaigns")}</Link>} />
      {error ? (
        <div className={styles.failure}>
          <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
        </div>
      ) : (
        <Empty title={t("campaign.unknown")} action={<LinkButton to="/campaigns">{t("nav.campaigns")}</LinkButton>}>
          {t("campaign.unknownHint")}
        </Empty>
      )}
    </>
  );
}

function Shown({ campaign }: { campaign: Campaign }) {
  const [url, setUrl] = useUrlState(campaignUrl);
  const { series, plan } = campaign;
  return (
    <div className={styles.page}>
      <PageHeader
        title={campaignName(campaign)}
        above={
          <>
            <Link to="/campaigns">{t("nav.campaigns")}</Link>
            {series ? (
              <>
                {" / "}
                <Link to="/campaigns/$campaignId" params={{ campaignId: uuidOf(series.id) }}>
                  {t("campaign.occurrenceOf", { name: campaignName(series) })}
                </Link>
              </>
            ) : null}
          </>
        }
        actions={<CampaignActions campaign={campaign} />}
      >
        <span className={styles.title}>
          <bdi>{campaignName(campaign)}</bdi> <CampaignStatus state={campaign.state} />
        </span>
      </PageHeader>
      <div className={styles.tabs}>
        <Tabs
          label={t("campaign.parts")}
          value={url.tab}
          onChange={(tab) => setUrl({ tab }, { push: true })}
          tabs={[
            {
              value: "overview",
              label: t("campaign.tab.overview"),
              content: () => <Overview campaign={campaign} />,
            },
            {
              value: "results",
              label: t("campaign.tab.results"),
              content: () => <Results campaignId={campaign.id} url={url} setUrl={setUrl} />,
            },
            {
              value: "comparison",
              label: t("campaign.tab.comparison"),
              content: () => <Comparison campaign={campaign} url={url} setUrl={setUrl} />,
            },
            {
              value: "recipients",
              label: t("campaign.tab.recipients"),
              content: () => <Recipients campaignId={campaign.id} url={url} setUrl={setUrl} />,
            },
            {
              value: "plan",
              label: t("campaign.tab.plan"),
              content: () => (plan ? <PlanSummary plan={plan} /> : <Empty title={t("campaign.noPlan")} />),
            },
          ]}
        />
      </div>
    </div>
  );
}
