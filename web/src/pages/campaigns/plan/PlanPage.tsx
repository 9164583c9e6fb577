import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { PageHeader } from "../../../components/PageHeader";
import { PageSkeleton } from "../../../shell/PageSkeleton";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { type Campaign, CampaignQuery, LiveFragment } from "../CampaignQuery";
import { CampaignStatus } from "../parts/CampaignStatus";
import { campaignName } from "../parts/names";
import { planRoute } from "../routes";
import { useChoices } from "./ChoicesQuery";
import { type Draft, draftOf, inputOf, type Plan, PlanFragment } from "./draft";
import { planUrl, STEPS, type Step, stepOf } from "./planUrl";
import { ReviewStep } from "./steps/ReviewStep";
import { Wizard } from "./Wizard";

const UpdateCampaign = graphql(
  `
    mutation UpdateCampaign($id: ID!, $input: CampaignInput!, $idempotencyKey: String) {
      updateCampaign(campaignId: $id, input: $input, idempotencyKey: $idempotencyKey) {
        campaign {
          ...CampaignLive
          plan {
            ...CampaignPlanParts
          }
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [LiveFragment, PlanFragment],
);

/** Changes the plan of a campaign that has not started. Each step is kept by the server when one goes on. */
export function PlanPage() {
  const { campaignId } = planRoute.useParams();
  const [{ data, error }, read] = useQuery({ query: CampaignQuery, variables: { id: campaignId } });
  const above = (
    <Link to="/campaigns/$campaignId" params={{ campaignId }}>
      {data?.campaign ? campaignName(data.campaign) : t("nav.campaigns")}
    </Link>
  );
  if (!data && !error) return <PageSkeleton />;
  const campaign = data?.campaign;
  if (campaign?.plan && (campaign.state === "DRAFT" || campaign.state === "SCHEDULED")) {
    return <Form key={campaign.id} campaign={campaign} plan={campaign.plan} />;
  }
  return (
    <>
      <PageHeader title={t("campaign.edit")} above={above} />
      {error ? (
        <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : (
        <Empty title={t("plan.cannotChange")}>{t("plan.cannotChangeHint")}</Empty>
      )}
    </>
  );
}

function Form({ campaign, plan }: { campaign: Campaign; plan: Plan }) {
  const [url, setUrl] = useUrlState(planUrl);
  const [draft, setDraft] = useState(() => draftOf(campaign.name ?? "", plan));
  const { choices, error } = useChoices();
  const { run, running, refusal, problem } = useAction(UpdateCampaign);
  const save = async (next: Step) => {
    const kept = JSON.stringify(inputOf(draft)) === JSON.stringify(inputOf(draftOf(campaign.name ?? "", plan)));
    const isSaved = kept || (await run({ id: campaign.id, input: inputOf(draft) }));
    if (isSaved) void setUrl({ step: next }, { push: true });
  };
  // What another step holds is mended there.
  const refused = refusal && stepOf(refusal.field);
  return (
    <>
      <PageHeader
        title={t("plan.titleOf", { name: campaignName(campaign) })}
        above={
          <Link to="/campaigns/$campaignId" params={{ campaignId: uuidOf(campaign.id) }}>
            {campaignName(campaign)}
          </Link>
        }
      >
        {t("campaign.edit")} <CampaignStatus state={campaign.state} />
      </PageHeader>
      <Wizard
        step={url.step}
        open={STEPS}
        draft={draft}
        change={(changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))}
        choices={choices}
        onStep={(step) => (url.step === "review" || step === refused ? setUrl({ step }, { push: true }) : save(step))}
        onContinue={() => save(STEPS[STEPS.indexOf(url.step) + 1] ?? "review")}
        isSaving={running}
        refusal={refusal}
        problem={problem ?? (error && problemOf(error))}
        review={<ReviewStep campaign={campaign} plan={plan} />}
      />
    </>
  );
}
