import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "../../../components/Button";
import { Checkbox, Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "../policy/PolicyPage.module.css";
import { PolicyPanel } from "../policy/PolicyPanel";
import type { Policy } from "../policy/PolicyQuery";
import { useRows } from "../policy/useRows";

type Tracking = Policy["tracking"];
type Parameter = Tracking["parameters"][number];

const WHAT = ["opens", "clicks", "textLinks", "shortLinks"] as const satisfies readonly (keyof Tracking)[];
const WHOM = ["transactional", "requireOptIn"] as const satisfies readonly (keyof Tracking)[];
const SOURCES = [
  "TEXT",
  "CAMPAIGN",
  "CHANNEL",
  "MESSAGE",
  "TOPIC",
  "VARIANT",
] as const satisfies readonly Parameter["source"][];

const words = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

export function TrackingForm({ tracking, onSaved }: { tracking: Tracking; onSaved: () => void }) {
  const [draft, setDraft] = useState(tracking);
  const [hosts, setHosts] = useState(tracking.parameterHosts.join(", "));
  const [topics, setTopics] = useState(tracking.untrackedTopics.join(", "));
  const rows = useRows<Parameter>(tracking.parameters);
  const changed: Tracking = {
    ...draft,
    parameterHosts: words(hosts),
    untrackedTopics: words(topics),
    parameters: rows.values,
  };
  const check = (name: (typeof WHAT)[number] | (typeof WHOM)[number]) => (
    <Checkbox
      key={name}
      label={t(`tracking.${name}`)}
      checked={draft[name]}
      onChange={(event) => setDraft({ ...draft, [name]: event.target.checked })}
    />
  );
  return (
    <PolicyPanel
      title={t("settings.section.tracking")}
      changes={{ tracking: changed }}
      stored={{ tracking }}
      onSaved={onSaved}
    >
      {() => (
        <>
          <fieldset className={styles.checks}>
            <legend>{t("tracking.what")}</legend>
            <div className={styles.column}>{WHAT.map(check)}</div>
          </fieldset>
          <fieldset className={styles.checks}>
            <legend>{t("tracking.whom")}</legend>
            <div className={styles.column}>{WHOM.map(check)}</div>
          </fieldset>
          <div className={styles.grid}>
            <Input
              label={t("tracking.topics")}
              hint={t("tracking.topicsHint")}
              value={topics}
              onChange={(event) => setTopics(event.target.value)}
            />
            <Input
              label={t("tracking.url")}
              hint={t("tracking.urlHint")}
              type="url"
              placeholder="https://go.example.com"
              value={draft.url ?? ""}
              onChange={(event) => setDraft({ ...draft, url: event.target.value || null })}
            />
          </div>
          <h3>{t("tracking.parameters")}</h3>
          <p>{t("tracking.parametersHint")}</p>
          <ul className={styles.rows}>
            {rows.all.map(({ key, value }) => (
              <li key={key} className={styles.row}>
                <Input
                  label={t("tracking.parameter")}
                  required
                  placeholder="utm_source"
                  value={value.name}
                  onChange={(event) => rows.change(key, { name: event.target.value })}
                />
                <Select
                  label={t("tracking.source")}
                  value={value.source}
                  options={SOURCES.map((source) => ({ value: source, label: t(`tracking.sources.${source}`) }))}
                  onChange={(source) => rows.change(key, { source, text: source === "TEXT" ? "" : null })}
                />
                {value.source === "TEXT" ? (
                  <Input
                    label={t("tracking.text")}
                    required
                    value={value.text ?? ""}
                    onChange={(event) => rows.change(key, { text: event.target.value })}
                  />
                ) : null}
                <IconButton label={t("common.remove")} icon={<Trash2 />} onClick={() => rows.remove(key)} />
              </li>
            ))}
          </ul>
          <div className={styles.buttons}>
            <Button
              icon={<Plus aria-hidden="true" />}
              onClick={() => rows.add({ name: "", source: "CAMPAIGN", text: null })}
            >
              {t("tracking.addParameter")}
            </Button>
          </div>
          <Input
            label={t("tracking.hosts")}
            hint={t("tracking.hostsHint")}
            value={hosts}
            onChange={(event) => setHosts(event.target.value)}
          />
        </>
      )}
    </PolicyPanel>
  );
}
