import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import { LiveFragment } from "../CampaignQuery";

const Pause = graphql(
  `
    mutation PauseCampaign($id: ID!, $reason: String!, $idempotencyKey: String) {
      pauseCampaign(campaignId: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
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

const Cancel = graphql(
  `
    mutation CancelCampaign($id: ID!, $reason: String!, $idempotencyKey: String) {
      cancelCampaign(campaignId: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
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

interface StopProps {
  campaignId: string;
  action: "pause" | "cancel";
  onClose: () => void;
}

/** Pauses or cancels, with the reason that colleagues read later. */
export function StopDialog({ campaignId, action, onClose }: StopProps) {
  const [reason, setReason] = useState("");
  const pause = useAction(Pause);
  const cancel = useAction(Cancel);
  const { running, refusal, problem } = action === "pause" ? pause : cancel;
  const stop = async () => {
    const variables = { id: campaignId, reason: reason.trim() };
    const data = action === "pause" ? await pause.run(variables) : await cancel.run(variables);
    if (!data) return;
    toast(t(action === "pause" ? "campaign.paused" : "campaign.cancelled"));
    onClose();
  };
  return (
    <ConfirmDialog
      title={t(action === "pause" ? "campaign.pauseTitle" : "campaign.cancelTitle")}
      action={t(action === "pause" ? "campaign.pause" : "campaign.cancel")}
      isDangerous={action === "cancel"}
      isRunning={running}
      refusal={refusal?.field === "reason" ? undefined : refusal}
      problem={problem}
      onConfirm={stop}
      onClose={onClose}
    >
      <p>{t(action === "pause" ? "campaign.pauseHint" : "campaign.cancelHint")}</p>
      <Input
        label={t("campaign.reason")}
        value={reason}
        error={refusal?.field === "reason" ? refusal.message : undefined}
        onChange={(event) => setReason(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") void stop();
        }}
      />
    </ConfirmDialog>
  );
}
