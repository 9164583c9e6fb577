import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Checkbox } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import { list } from "../../../texts/format";
import { type Campaign, LiveFragment } from "../CampaignQuery";
import { startText } from "../parts/startText";

const Start = graphql(
  `
    mutation StartCampaign($id: ID!, $everybody: Boolean!, $idempotencyKey: String) {
      startCampaign(campaignId: $id, everybody: $everybody, idempotencyKey: $idempotencyKey) {
        campaign {
          ...CampaignLive
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [LiveFragment],
);

/** Says once more what will happen. A campaign to everybody is confirmed in so many words. */
export function StartDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const navigate = useNavigate();
  const [isSure, setIsSure] = useState(false);
  const { run, running, refusal, problem } = useAction(Start);
  const { plan } = campaign;
  if (!plan) return null;
  const isToAll = plan.audience.everybody;
  const params = { campaignId: uuidOf(campaign.id) };
  const start = async () => {
    if (!(await run({ id: campaign.id, everybody: isToAll && isSure }))) return;
    toast(t("campaign.started"));
    onClose();
    await navigate({ to: "/campaigns/$campaignId", params });
  };
  return (
    <ConfirmDialog
      title={t("campaign.startTitle")}
      action={t("campaign.start")}
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={start}
      onClose={onClose}
    >
      <p>
        {isToAll
          ? t("campaign.startToAll")
          : t("campaign.startTo", { lists: list(plan.audience.lists.map((one) => one.name)) })}{" "}
        {startText(plan.start)}
      </p>
      <p>
        {t("campaign.startHint")}{" "}
        <Link to="/campaigns/$campaignId/dry-run" params={params} onClick={onClose}>
          {t("dryRun.title")}
        </Link>
      </p>
      {isToAll ? (
        <Checkbox
          label={t("campaign.sureToAll")}
          checked={isSure}
          onChange={(event) => setIsSure(event.target.checked)}
        />
      ) : null}
    </ConfirmDialog>
  );
}
