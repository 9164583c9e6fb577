import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { PageHeader } from "../../../components/PageHeader";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { useChoices } from "./ChoicesQuery";
import { CreateCampaign, type Draft, draftFromUrl, draftToUrl, inputOf } from "./draft";
import { NEEDED, planUrl, STEPS, type Step, stepOf } from "./planUrl";
import { Wizard } from "./Wizard";

/**
 * The first steps of a plan. Until it names whom it goes to and what they get, the server cannot keep it: it stands in
 * the URL. Then it is a draft on the server, and the other steps go on there.
 */
export function NewCampaignPage() {
  const navigate = useNavigate();
  const [url, setUrl] = useUrlState(planUrl);
  const [draft, setDraft] = useState(() => draftFromUrl(url.plan));
  const { choices, error } = useChoices();
  const { run, running, refusal, problem, reset } = useAction(CreateCampaign);
  const step = NEEDED.find((one) => one === url.step) ?? "basics";
  const goTo = (next: Step) => {
    reset();
    void setUrl({ step: next, plan: draftToUrl(draft) }, { push: true });
  };
  const goOn = async () => {
    const next = STEPS[STEPS.indexOf(step) + 1];
    if (next && step !== "content") return goTo(next);
    const created = await run({ input: inputOf(draft) });
    const id = created?.createCampaign.campaign?.id;
    if (!id) return;
    // Back does not lead to a form that would make the campaign once more.
    await navigate({
      to: "/campaigns/$campaignId/plan",
      params: { campaignId: uuidOf(id) },
      search: planUrl.params({ step: "schedule" }),
      replace: true,
    });
  };
  const refusedStep = refusal ? stepOf(refusal.field) : undefined;
  return (
    <>
      <PageHeader title={t("campaigns.new")} above={<Link to="/campaigns">{t("nav.campaigns")}</Link>} />
      <Wizard
        step={step}
        open={NEEDED}
        draft={draft}
        change={(changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))}
        choices={choices}
        // What was typed is kept in the URL whenever a field is left: a reload loses nothing.
        onLeave={() => setUrl({ plan: draftToUrl(draft) })}
        onStep={goTo}
        onContinue={goOn}
        isSaving={running}
        refusal={refusal}
        problem={problem ?? (error && problemOf(error))}
        review={null}
      />
      {refusedStep && refusedStep !== step ? (
        <p className="hidden-visually" role="status">
          {t("plan.refusedIn", { step: t(`plan.step.${refusedStep}`) })}
        </p>
      ) : null}
    </>
  );
}
