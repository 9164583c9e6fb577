import { Radio, Shapes } from "lucide-react";
import { Button } from "../../../components/Button";
import { Checkbox, Input } from "../../../components/Field";
import { type Chip, FilterChips } from "../../../components/FilterChips";
import { Menu } from "../../../components/Menu";
import { CHANNELS } from "../../../components/Status";
import { t } from "../../../texts";
import { type CustomerState, KINDS } from "../customerUrl";
import styles from "./TimelineFilters.module.css";

interface FiltersProps {
  url: CustomerState;
  setUrl: (changes: Partial<CustomerState>) => void;
}

/** `all` with `one` added, or taken out. */
const toggled = <Value,>(all: readonly Value[], one: Value): Value[] =>
  all.includes(one) ? all.filter((other) => other !== one) : [...all, one];

export function TimelineFilters({ url, setUrl }: FiltersProps) {
  const chips: Chip[] = [
    ...url.kinds.map((kind) => ({
      label: t(`timelineKind.${kind}`),
      onRemove: () => setUrl({ kinds: toggled(url.kinds, kind) }),
    })),
    ...url.channels.map((channel) => ({
      label: t(`channel.${channel}`),
      onRemove: () => setUrl({ channels: toggled(url.channels, channel) }),
    })),
  ];
  return (
    <div className={styles.filters}>
      <div className={styles.bar}>
        <Menu
          trigger={<Button icon={<Shapes />}>{t("timeline.kinds")}</Button>}
          groups={[
            KINDS.map((kind) => ({
              label: t(`timelineKind.${kind}`),
              checked: url.kinds.includes(kind),
              onSelect: () => setUrl({ kinds: toggled(url.kinds, kind) }),
            })),
          ]}
        />
        <Menu
          trigger={<Button icon={<Radio />}>{t("timeline.channels")}</Button>}
          groups={[
            CHANNELS.map((channel) => ({
              label: t(`channel.${channel}`),
              checked: url.channels.includes(channel),
              onSelect: () => setUrl({ channels: toggled(url.channels, channel) }),
            })),
          ]}
        />
        <Input
          label={t("timeline.jump")}
          isLabelHidden
          title={t("timeline.jump")}
          type="date"
          value={url.at ?? ""}
          onChange={(event) => setUrl({ at: event.target.value || undefined })}
        />
        <Checkbox
          label={t("timeline.pinnedOnly")}
          checked={url.pinned}
          onChange={(event) => setUrl({ pinned: event.target.checked })}
        />
      </div>
      <FilterChips chips={chips} onClear={() => setUrl({ kinds: [], channels: [] })} />
    </div>
  );
}
