import { Select } from "../../../components/Field";
import { CHANNELS, type Channel } from "../../../components/Status";
import { t } from "../../../texts";
import type { Policy } from "./PolicyQuery";

type Action = Policy["weekdays"]["action"];

interface FieldOf<Value> {
  value: Value;
  onChange: (value: Value) => void;
}

export const ActionSelect = ({ value, onChange }: FieldOf<Action>) => (
  <Select
    label={t("policy.whatHappens")}
    value={value}
    options={(["HOLD", "ABORT"] as const).map((action) => ({ value: action, label: t(`policy.action.${action}`) }))}
    onChange={onChange}
  />
);

/** One channel, or null for all of them. */
export const ChannelSelect = ({ value, onChange }: FieldOf<Channel | null>) => (
  <Select
    label={t("policy.channel")}
    value={value ?? ""}
    options={[
      { value: "", label: t("policy.allChannels") },
      ...CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) })),
    ]}
    onChange={(chosen) => onChange(chosen === "" ? null : chosen)}
  />
);
