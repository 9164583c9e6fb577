import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "../../../components/Button";
import { Input, Select } from "../../../components/Field";
import { CHANNELS } from "../../../components/Status";
import { t } from "../../../texts";
import { optionalOneOf, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import styles from "./PolicyPage.module.css";
import { PolicyPanel } from "./PolicyPanel";
import type { Policy } from "./PolicyQuery";
import { ActionSelect, ChannelSelect } from "./RuleFields";
import { useRows } from "./useRows";
import { WeekGrid } from "./WeekGrid";

const gridUrl = urlState({ grid: optionalOneOf(CHANNELS) });

type QuietHours = Policy["quietHours"][number];

const NEW: QuietHours = { channel: null, from: "21:00:00", to: "08:00:00", action: "HOLD" };

/** The browser's field has no seconds; the API's time has. */
const withSeconds = (time: string) => (time.length === 5 ? `${time}:00` : time);

export function QuietHoursForm({ policy, onSaved }: { policy: Policy; onSaved: () => void }) {
  const [url, setUrl] = useUrlState(gridUrl);
  const rows = useRows<QuietHours>(policy.quietHours);
  const quietHours = rows.values;
  // A week in which something is to be seen, unless the person chose another one.
  const shown = url.grid ?? policy.quietHours.find(({ channel }) => channel !== null)?.channel ?? "EMAIL";
  return (
    <PolicyPanel
      title={t("policy.quietHours")}
      hint={t("policy.quietHoursHint")}
      changes={{ quietHours }}
      stored={{ quietHours: policy.quietHours }}
      onSaved={onSaved}
    >
      {(refused) => (
        <>
          <div className={styles.grid}>
            <Select
              label={t("policy.shown")}
              value={shown}
              options={CHANNELS.map((value) => ({ value, label: t(`channel.${value}`) }))}
              onChange={(grid) => setUrl({ grid })}
            />
          </div>
          <WeekGrid rules={{ quietHours, weekdays: policy.weekdays }} channel={shown} />
          <ul className={styles.rows}>
            {rows.all.map(({ key, value }, index) => (
              <li key={key} className={styles.row}>
                <ChannelSelect value={value.channel} onChange={(channel) => rows.change(key, { channel })} />
                {(["from", "to"] as const).map((end) => (
                  <Input
                    key={end}
                    label={t(`policy.${end}`)}
                    type="time"
                    required
                    error={refused(`quietHours.${index}.${end}`)}
                    value={value[end].slice(0, 5)}
                    onChange={(event) => rows.change(key, { [end]: withSeconds(event.target.value) })}
                  />
                ))}
                <ActionSelect value={value.action} onChange={(action) => rows.change(key, { action })} />
                <IconButton label={t("common.remove")} icon={<Trash2 />} onClick={() => rows.remove(key)} />
              </li>
            ))}
          </ul>
          <div className={styles.buttons}>
            <Button icon={<Plus aria-hidden="true" />} onClick={() => rows.add(NEW)}>
              {t("policy.addQuietHours")}
            </Button>
          </div>
        </>
      )}
    </PolicyPanel>
  );
}
