import type { Enum } from "../../../api/graphql";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";

export type CampaignState = Enum<"CampaignState">;

export const STATES = [
  "DRAFT",
  "SCHEDULED",
  "RUNNING",
  "PAUSED",
  "COMPLETED",
  "CANCELLED",
] as const satisfies readonly CampaignState[];

const TONES = {
  DRAFT: "neutral",
  SCHEDULED: "accent",
  RUNNING: "good",
  PAUSED: "warn",
  COMPLETED: "neutral",
  CANCELLED: "bad",
} as const satisfies Record<CampaignState, string>;

/** Null: another system plans it, and commlog knows its messages alone. */
export const CampaignStatus = ({ state }: { state: CampaignState | null }) =>
  state ? (
    <Badge tone={TONES[state]}>{t(`campaigns.state.${state}`)}</Badge>
  ) : (
    <Badge>{t("campaigns.elsewhere")}</Badge>
  );
