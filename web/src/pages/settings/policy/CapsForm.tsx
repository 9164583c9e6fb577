import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "../../../components/Button";
import { Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./PolicyPage.module.css";
import { PolicyPanel } from "./PolicyPanel";
import type { Policy } from "./PolicyQuery";
import { ActionSelect, ChannelSelect } from "./RuleFields";
import { useRows } from "./useRows";

type Cap = Policy["caps"][number];

const WINDOWS = ["DAY", "WEEK", "MONTH", "ROLLING_HOURS"] as const satisfies readonly Cap["window"][];
const NEW: Cap = { channel: null, topic: null, limit: 3, window: "WEEK", hours: null, action: "ABORT" };
const USUAL_HOURS = 24;

/** How many marketing messages a customer gets at most. */
export function CapsForm({ policy, onSaved }: { policy: Policy; onSaved: () => void }) {
  const rows = useRows<Cap>(policy.caps);
  return (
    <PolicyPanel
      title={t("policy.caps")}
      hint={t("policy.capsHint")}
      changes={{ caps: rows.values }}
      stored={{ caps: policy.caps }}
      onSaved={onSaved}
    >
      {() => (
        <>
          <ul className={styles.rows}>
            {rows.all.map(({ key, value }) => (
              <li key={key} className={styles.row}>
                <Input
                  label={t("policy.atMost")}
                  type="number"
                  min="0"
                  required
                  value={value.limit}
                  onChange={(event) => rows.change(key, { limit: Number(event.target.value) })}
                />
                <Select
                  label={t("policy.window")}
                  value={value.window}
                  options={WINDOWS.map((window) => ({ value: window, label: t(`policy.windows.${window}`) }))}
                  onChange={(window) =>
                    rows.change(key, { window, hours: window === "ROLLING_HOURS" ? USUAL_HOURS : null })
                  }
                />
                {value.window === "ROLLING_HOURS" ? (
                  <Input
                    label={t("policy.hours")}
                    type="number"
                    min="1"
                    required
                    value={value.hours ?? USUAL_HOURS}
                    onChange={(event) => rows.change(key, { hours: Number(event.target.value) })}
                  />
                ) : null}
                <ChannelSelect value={value.channel} onChange={(channel) => rows.change(key, { channel })} />
                <Input
                  label={t("policy.topic")}
                  placeholder={t("policy.allTopics")}
                  value={value.topic ?? ""}
                  onChange={(event) => rows.change(key, { topic: event.target.value || null })}
                />
                <ActionSelect value={value.action} onChange={(action) => rows.change(key, { action })} />
                <IconButton label={t("common.remove")} icon={<Trash2 />} onClick={() => rows.remove(key)} />
              </li>
            ))}
          </ul>
          <div className={styles.buttons}>
            <Button icon={<Plus aria-hidden="true" />} onClick={() => rows.add(NEW)}>
              {t("policy.addCap")}
            </Button>
          </div>
        </>
      )}
    </PolicyPanel>
  );
}
