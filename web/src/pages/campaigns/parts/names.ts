import { uuidOf } from "../../../api/ids";
import { t } from "../../../texts";

/** Both ends of an id: the first part of those that were made at the same time is the same. */
function shortId(id: string): string {
  const uuid = uuidOf(id);
  return `${uuid.slice(0, 8)}…${uuid.slice(-4)}`;
}

/** A campaign that another system plans has an id alone. */
export const campaignName = (campaign: { id: string; name: string | null }): string =>
  campaign.name ?? t("campaigns.nameless", { id: shortId(campaign.id) });

/** The rules and reasons that there are words for; a refusal's code comes as it is. */
const REASONS = [
  "queued",
  "held",
  "list",
  "hold_out",
  "duplicate_person",
  "duplicate_address",
  "forgotten",
  "consent",
  "frequency_cap",
  "quiet_hours",
  "blackout",
  "weekdays",
  "suppressed_address",
  "unknown_address",
  "erased",
  "scheduled",
  "template",
  "template_approval",
  "whatsapp_window",
  "cancelled",
] as const;

export function reasonText(code: string): string {
  const known = REASONS.find((one) => one === code);
  return known ? t(`campaigns.reason.${known}`) : code;
}

const CAUSES = ["manual", "failure", "threshold", "budget", "winner", "overdue"] as const;

export function causeText(code: string): string {
  const known = CAUSES.find((one) => one === code);
  return known ? t(`campaigns.cause.${known}`) : code;
}

/** A variant without a name is the whole of a campaign without variants. */
export const variantName = (name: string | null): string =>
  name === null ? t("campaign.heldOut") : name || t("campaign.noVariant");
