import { ListFilter } from "lucide-react";
import { Button } from "../../../components/Button";
import { Input, Select } from "../../../components/Field";
import { type Chip, FilterChips } from "../../../components/FilterChips";
import { Menu } from "../../../components/Menu";
import { Popover } from "../../../components/Popover";
import { CHANNELS } from "../../../components/Status";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import styles from "./MessagesPage.module.css";
import { type MessagesState, messagesUrl, momentOf, STATES } from "./messagesUrl";

interface FiltersProps {
  url: MessagesState;
  setUrl: (changes: Partial<MessagesState>) => void;
}

const WORDS = ["provider", "account", "campaign", "reason"] as const;
const ENDS = ["since", "until"] as const;
const DIRECTIONS = ["OUTBOUND", "INBOUND"] as const;

export function MessagesFilters({ url, setUrl }: FiltersProps) {
  return (
    <div className={styles.filters}>
      <div className={styles.bar}>
        <Menu
          trigger={<Button>{t("messages.column.state")}</Button>}
          groups={[
            STATES.map((state) => ({
              label: t(`messageState.${state}`),
              checked: url.states.includes(state),
              onSelect: () => setUrl({ states: STATES.filter((one) => (one === state) !== url.states.includes(one)) }),
            })),
          ]}
        />
        <Menu
          trigger={<Button>{t("messages.column.channel")}</Button>}
          groups={[
            CHANNELS.map((channel) => ({
              label: t(`channel.${channel}`),
              checked: url.channels.includes(channel),
              onSelect: () =>
                setUrl({ channels: CHANNELS.filter((one) => (one === channel) !== url.channels.includes(one)) }),
            })),
          ]}
        />
        <Popover label={t("filter.title")} trigger={<Button icon={<ListFilter />}>{t("filter.title")}</Button>}>
          <Panel url={url} setUrl={setUrl} />
        </Popover>
      </div>
      <FilterChips chips={chips(url, setUrl)} onClear={() => setUrl(messagesUrl.parse({}))} />
    </div>
  );
}

function chips(url: MessagesState, setUrl: FiltersProps["setUrl"]): Chip[] {
  return [
    ...url.states.map((state) => ({
      label: t(`messageState.${state}`),
      onRemove: () => setUrl({ states: url.states.filter((one) => one !== state) }),
    })),
    ...url.channels.map((channel) => ({
      label: t(`channel.${channel}`),
      onRemove: () => setUrl({ channels: url.channels.filter((one) => one !== channel) }),
    })),
    ...(url.direction
      ? [{ label: t(`messages.direction.${url.direction}`), onRemove: () => setUrl({ direction: undefined }) }]
      : []),
    ...[...WORDS, ...ENDS].flatMap((name): Chip[] => {
      const value = url[name];
      if (!value) return [];
      const at = name === "since" || name === "until" ? momentOf(value, "begins") : undefined;
      const shown = at ? dateTime(at) : value;
      return [{ label: `${t(`messages.filter.${name}`)}: ${shown}`, onRemove: () => setUrl({ [name]: undefined }) }];
    }),
  ];
}

function Panel({ url, setUrl }: FiltersProps) {
  return (
    <>
      <Select
        label={t("messages.filter.direction")}
        value={url.direction ?? ""}
        options={[
          { value: "", label: t("filter.any") },
          ...DIRECTIONS.map((value) => ({ value, label: t(`messages.direction.${value}`) })),
        ]}
        onChange={(direction) => setUrl({ direction: direction || undefined })}
      />
      {WORDS.map((name) => (
        <Input
          key={name}
          label={t(`messages.filter.${name}`)}
          spellCheck={false}
          value={url[name] ?? ""}
          onChange={(event) => setUrl({ [name]: event.target.value.trim() || undefined })}
        />
      ))}
      {ENDS.map((name) => (
        <Input
          key={name}
          label={t(`messages.filter.${name}`)}
          type="date"
          value={url[name]?.slice(0, 10) ?? ""}
          onChange={(event) => setUrl({ [name]: event.target.value || undefined })}
        />
      ))}
    </>
  );
}
