import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input, Select } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import type { Campaign } from "../CampaignQuery";
import { PERIODS } from "../plan/draft";
import styles from "./dialogs.module.css";

const SetRate = graphql(`
  mutation SetCampaignRate($id: ID!, $rate: RateInput!, $idempotencyKey: String) {
    setCampaignRate(campaignId: $id, rate: $rate, idempotencyKey: $idempotencyKey) {
      campaign {
        id
        plan {
          rate {
            messages
            per
            burst
          }
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

/** How fast it goes, also while it runs. */
export function RateDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const rate = campaign.plan?.rate;
  const [messages, setMessages] = useState(String(rate?.messages ?? 0));
  const [per, setPer] = useState(rate?.per ?? "MINUTE");
  const { run, running, refusal, problem } = useAction(SetRate);
  const change = async () => {
    const changed = await run({ id: campaign.id, rate: { messages: Number(messages), per, burst: rate?.burst ?? 0 } });
    if (!changed) return;
    toast(t("campaign.rateChanged"));
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("campaign.changeRate")}
      action={t("common.save")}
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={change}
      onClose={onClose}
    >
      <div className={styles.pair}>
        <Input
          label={t("plan.rate")}
          hint={t("plan.rateHint")}
          type="number"
          min={0}
          value={messages}
          onChange={(event) => setMessages(event.target.value)}
        />
        <Select
          label={t("plan.per")}
          value={per}
          options={PERIODS.map((one) => ({ value: one, label: t(`plan.period.${one}`) }))}
          onChange={setPer}
        />
      </div>
    </ConfirmDialog>
  );
}
