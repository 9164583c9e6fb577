import type { TextKey } from "../texts";
import { t } from "../texts";

const KNOWN = [
  "erased",
  "unknown_address",
  "suppressed_address",
  "invalid_address",
  "consent",
  "whatsapp_window",
  "frequency_cap",
  "quiet_hours",
  "blackout",
  "weekday",
  "preferred_hours",
  "scheduled",
  "template_approval",
  "template",
] as const;

/** A rule's name in words, such as "quiet hours"; rules that a newer server has are named as it names them. */
export function ruleName(rule: string): string {
  const known = KNOWN.find((one) => one === rule);
  const key: TextKey = known ? `rule.${known}` : "rule.other";
  return t(key, { rule });
}
