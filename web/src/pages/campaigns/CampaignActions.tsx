import { Ellipsis, FlaskConical, Gauge, Pause, Play, X } from "lucide-react";
import { useState } from "react";
import { uuidOf } from "../../api/ids";
import { Button, IconButton, LinkButton } from "../../components/Button";
import { Menu, type MenuItem } from "../../components/Menu";
import { mayAuthor } from "../../session/permissions";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { BudgetDialog } from "./actions/BudgetDialog";
import { RateDialog } from "./actions/RateDialog";
import { StartDialog } from "./actions/StartDialog";
import { StopDialog } from "./actions/StopDialog";
import { useStep } from "./actions/useStep";
import type { Campaign } from "./CampaignQuery";

type Opened = "start" | "pause" | "cancel" | "rate" | "budget";

/** What can be done with a campaign in its state, the likeliest step first. */
export function CampaignActions({ campaign }: { campaign: Campaign }) {
  const viewer = useViewer();
  const [opened, setOpened] = useState<Opened>();
  const step = useStep(campaign.id);
  const close = () => setOpened(undefined);
  const { state } = campaign;
  if (!state || campaign.importId || !mayAuthor(viewer)) return null;

  const params = { campaignId: uuidOf(campaign.id) };
  const { maySend } = viewer;
  const isOpen = state === "DRAFT" || state === "SCHEDULED";
  const isGoing = state === "RUNNING" || state === "SCHEDULED";
  const more: (MenuItem | false)[] = [
    // Messages of a completed one may still wait for their time.
    state === "COMPLETED" &&
      maySend && { label: t("campaign.pause"), icon: <Pause />, onSelect: () => setOpened("pause") },
    state === "SCHEDULED" && maySend && { label: t("campaign.unschedule"), onSelect: step.unschedule },
    isOpen && maySend && !campaign.approvedBy && { label: t("campaign.approve"), onSelect: step.approve },
    { label: t("campaign.changeRate"), icon: <Gauge />, onSelect: () => setOpened("rate") },
    { label: t("campaign.changeBudget"), onSelect: () => setOpened("budget") },
  ];
  const dangerous: (MenuItem | false)[] = [
    maySend && { label: t("campaign.cancel"), icon: <X />, isDangerous: true, onSelect: () => setOpened("cancel") },
  ];

  return (
    <>
      {isOpen ? (
        <>
          <LinkButton to="/campaigns/$campaignId/plan" params={params}>
            {t("campaign.edit")}
          </LinkButton>
          <LinkButton to="/campaigns/$campaignId/dry-run" params={params} icon={<FlaskConical />}>
            {t("dryRun.title")}
          </LinkButton>
        </>
      ) : null}
      {state === "DRAFT" && maySend ? (
        <Button kind="primary" icon={<Play />} onClick={() => setOpened("start")}>
          {t("campaign.start")}
        </Button>
      ) : null}
      {isGoing && maySend ? (
        <Button icon={<Pause />} onClick={() => setOpened("pause")}>
          {t("campaign.pause")}
        </Button>
      ) : null}
      {state === "PAUSED" && maySend ? (
        <Button kind="primary" icon={<Play />} busy={step.running} onClick={step.resume}>
          {t("campaign.resume")}
        </Button>
      ) : null}
      {state === "CANCELLED" ? null : (
        <Menu
          trigger={<IconButton label={t("campaign.more")} icon={<Ellipsis />} />}
          groups={[more, dangerous]
            .map((items) => items.filter((item) => item !== false))
            .filter((items) => items.length > 0)}
        />
      )}
      {opened === "start" ? <StartDialog campaign={campaign} onClose={close} /> : null}
      {opened === "pause" || opened === "cancel" ? (
        <StopDialog campaignId={campaign.id} action={opened} onClose={close} />
      ) : null}
      {opened === "rate" ? <RateDialog campaign={campaign} onClose={close} /> : null}
      {opened === "budget" ? <BudgetDialog campaign={campaign} onClose={close} /> : null}
    </>
  );
}
