import { ListFilter } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button } from "../../components/Button";
import { Input } from "../../components/Field";
import { type Chip, FilterChips } from "../../components/FilterChips";
import { Popover } from "../../components/Popover";
import { t } from "../../texts";
import { date } from "../../texts/format";
import styles from "./EventsPage.module.css";
import { type EventsState, eventsUrl } from "./eventsUrl";
import { streamOf } from "./streams";

interface FiltersProps {
  url: EventsState;
  setUrl: (changes: Partial<EventsState>) => void;
  /** Beside the filters. */
  children?: ReactNode;
}

const WORDS = ["stream", "customer", "actor", "correlation"] as const;
const DAYS = ["since", "until"] as const;

/** Which events are meant, by what their envelopes say. */
export function EventsFilters({ url, setUrl, children }: FiltersProps) {
  const [type, setType] = useState("");
  const addType = (event: FormEvent) => {
    event.preventDefault();
    const added = type.trim();
    if (added && !url.types.includes(added)) setUrl({ types: [...url.types, added] });
    setType("");
  };
  return (
    <>
      <div className={styles.bar}>
        <form className={styles.type} onSubmit={addType}>
          <Input
            label={t("audit.type")}
            isLabelHidden
            placeholder={t("audit.typeHint")}
            spellCheck={false}
            value={type}
            onChange={(event) => setType(event.target.value)}
          />
        </form>
        <Popover label={t("filter.title")} trigger={<Button icon={<ListFilter />}>{t("filter.title")}</Button>}>
          <Panel url={url} setUrl={setUrl} />
        </Popover>
        {children}
      </div>
      <FilterChips chips={chips(url, setUrl)} onClear={() => setUrl({ ...eventsUrl.parse({}), live: url.live })} />
    </>
  );
}

function chips(url: EventsState, setUrl: FiltersProps["setUrl"]): Chip[] {
  return [
    ...url.types.map((type) => ({
      label: type,
      onRemove: () => setUrl({ types: url.types.filter((one) => one !== type) }),
    })),
    ...[...WORDS, ...DAYS].flatMap((name): Chip[] => {
      const value = url[name];
      if (!value) return [];
      const shown = name === "since" || name === "until" ? dayText(value) : value;
      return [{ label: `${t(`audit.filter.${name}`)}: ${shown}`, onRemove: () => setUrl({ [name]: undefined }) }];
    }),
  ];
}

function dayText(day: string): string {
  const at = new Date(`${day}T00:00:00`);
  return Number.isNaN(at.getTime()) ? day : date(at);
}

function Panel({ url, setUrl }: FiltersProps) {
  const isNoStream = url.stream !== undefined && streamOf(url.stream) === undefined;
  return (
    <>
      {WORDS.map((name) => (
        <Input
          key={name}
          label={t(`audit.filter.${name}`)}
          hint={name === "stream" ? t("audit.streamHint") : undefined}
          error={name === "stream" && isNoStream ? t("audit.streamWrong") : undefined}
          spellCheck={false}
          value={url[name] ?? ""}
          onChange={(event) => setUrl({ [name]: event.target.value.trim() || undefined })}
        />
      ))}
      {DAYS.map((name) => (
        <Input
          key={name}
          label={t(`audit.filter.${name}`)}
          type="date"
          value={url[name] ?? ""}
          onChange={(event) => setUrl({ [name]: event.target.value || undefined })}
        />
      ))}
    </>
  );
}
