import type { ComponentProps } from "react";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import type { Account } from "./AccountsQuery";

const TONES: Record<Account["state"], ComponentProps<typeof Badge>["tone"]> = {
  HEALTHY: "good",
  PAUSED: "neutral",
  RESTING: "warn",
  SILENT: "warn",
  UNUSABLE: "bad",
};

export const AccountState = ({ account }: { account: Pick<Account, "state" | "reason"> }) => (
  <Badge tone={TONES[account.state]} title={account.reason ?? undefined}>
    {t(`accounts.state.${account.state}`)}
  </Badge>
);
