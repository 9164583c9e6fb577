import { useState } from "react";
import { Checkbox, Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./PolicyPage.module.css";
import { PolicyPanel } from "./PolicyPanel";
import type { Policy } from "./PolicyQuery";

const ZONES = Intl.supportedValuesOf("timeZone");

const rulesOf = ({ requireOptIn, campaignApprovalFrom, timeZone, defaultRegion, autoResolveMinutes }: Policy) => ({
  requireOptIn,
  campaignApprovalFrom,
  timeZone,
  defaultRegion,
  autoResolveMinutes,
});

export function RulesForm({ policy, onSaved }: { policy: Policy; onSaved: () => void }) {
  const [rules, setRules] = useState(() => rulesOf(policy));
  const zones = rules.timeZone && !ZONES.includes(rules.timeZone) ? [rules.timeZone, ...ZONES] : ZONES;
  return (
    <PolicyPanel
      title={t("policy.rules")}
      changes={rules}
      stored={rulesOf(policy)}
      placed={["campaignApprovalFrom", "timeZone", "defaultRegion", "autoResolveMinutes"]}
      onSaved={onSaved}
    >
      {(refused) => (
        <>
          <Checkbox
            label={t("policy.requireOptIn")}
            checked={rules.requireOptIn}
            onChange={(event) => setRules({ ...rules, requireOptIn: event.target.checked })}
          />
          <div className={styles.grid}>
            <Input
              label={t("policy.approvalFrom")}
              hint={t("policy.approvalFromHint")}
              error={refused("campaignApprovalFrom")}
              type="number"
              min="0"
              required
              value={rules.campaignApprovalFrom}
              onChange={(event) => setRules({ ...rules, campaignApprovalFrom: Number(event.target.value) })}
            />
            <Input
              label={t("policy.autoResolve")}
              hint={t("policy.autoResolveHint")}
              error={refused("autoResolveMinutes")}
              type="number"
              min="0"
              required
              value={rules.autoResolveMinutes}
              onChange={(event) => setRules({ ...rules, autoResolveMinutes: Number(event.target.value) })}
            />
            <Select
              label={t("policy.timeZone")}
              hint={t("policy.timeZoneHint")}
              error={refused("timeZone")}
              value={rules.timeZone ?? ""}
              options={[{ value: "", label: "UTC" }, ...zones.map((zone) => ({ value: zone, label: zone }))]}
              onChange={(zone) => setRules({ ...rules, timeZone: zone || null })}
            />
            <Input
              label={t("policy.region")}
              hint={t("policy.regionHint")}
              error={refused("defaultRegion")}
              placeholder="AT"
              value={rules.defaultRegion ?? ""}
              onChange={(event) => setRules({ ...rules, defaultRegion: event.target.value.toUpperCase() || null })}
            />
          </div>
        </>
      )}
    </PolicyPanel>
  );
}
