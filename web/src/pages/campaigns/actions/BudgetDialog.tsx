import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import { type Campaign, LiveFragment } from "../CampaignQuery";
import { PlanFragment } from "../plan/draft";
import { microsOf } from "../plan/micros";
import styles from "./dialogs.module.css";

const SetBudget = graphql(
  `
    mutation SetCampaignBudget($id: ID!, $budget: BudgetInput, $idempotencyKey: String) {
      setCampaignBudget(campaignId: $id, budget: $budget, idempotencyKey: $idempotencyKey) {
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

/** What it may cost, also while it runs. Blank takes the limit away. */
export function BudgetDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const budget = campaign.plan?.budget;
  const [amount, setAmount] = useState(budget?.amount.amount ?? "");
  const [currency, setCurrency] = useState(budget?.amount.currency ?? "EUR");
  const { run, running, refusal, problem } = useAction(SetBudget);
  const change = async () => {
    const changed = await run({
      id: campaign.id,
      budget: amount.trim() === "" ? null : { micros: microsOf(amount), currency, priceMicros: budget?.price.micros },
    });
    if (!changed) return;
    toast(t("campaign.budgetChanged"));
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("campaign.changeBudget")}
      action={t("common.save")}
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={change}
      onClose={onClose}
    >
      <div className={styles.pair}>
        <Input
          label={t("plan.budget")}
          hint={t("plan.budgetHint")}
          inputMode="decimal"
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
        />
        <Input
          label={t("plan.currency")}
          maxLength={3}
          value={currency}
          onChange={(event) => setCurrency(event.target.value.toUpperCase())}
        />
      </div>
    </ConfirmDialog>
  );
}
