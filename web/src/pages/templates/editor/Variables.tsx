import { useMemo, useState } from "react";
import { Input, Select, Textarea } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { type Draft, namesAskedFor, wordsOf } from "../draft/draft";
import { CUSTOMER_NAMES, MESSAGE_NAMES, valuesOf } from "../preview/values";
import { templateUrl } from "../templatesUrl";
import { DefaultValues } from "./DefaultValues";
import styles from "./Variables.module.css";

interface VariablesProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  isReadOnly: boolean;
}

/** What is not text: title, class, default locale, and the values that the texts ask for. */
export function Variables({ draft, onChange, isReadOnly }: VariablesProps) {
  const [url, setUrl] = useUrlState(templateUrl);
  const values = valuesOf(url.values);
  const [written, setWritten] = useState(() => url.values ?? JSON.stringify(values, null, 2));
  const names = useMemo(() => namesAskedFor(draft.contents.map(wordsOf).join(" ")), [draft.contents]);
  const locales = [...new Set([draft.defaultLocale ?? "", ...draft.contents.map((one) => one.locale)])].filter(Boolean);
  return (
    <div className={styles.settings}>
      <Panel title={t("templates.general")}>
        <Input
          label={t("templates.column.title")}
          dir="auto"
          readOnly={isReadOnly}
          value={draft.title}
          onChange={(event) => onChange({ ...draft, title: event.target.value })}
        />
        <div className={styles.pair}>
          {draft.kind === "PARTIAL" ? null : (
            <Select
              label={t("templates.column.class")}
              disabled={isReadOnly}
              value={draft.class ?? "MARKETING"}
              options={(["MARKETING", "TRANSACTIONAL"] as const).map((one) => ({
                value: one,
                label: t(`templates.classes.${one}`),
              }))}
              onChange={(chosen) => onChange({ ...draft, class: chosen })}
            />
          )}
          <Select
            label={t("templates.defaultLocale")}
            hint={t("templates.fallbackHint")}
            disabled={isReadOnly}
            value={draft.defaultLocale ?? ""}
            options={locales.map((locale) => ({ value: locale, label: locale }))}
            onChange={(defaultLocale) => onChange({ ...draft, defaultLocale })}
          />
        </div>
      </Panel>
      <Panel title={t("templates.defaults")} hint={t("templates.defaultsHint")}>
        <DefaultValues
          values={draft.variables ?? {}}
          isReadOnly={isReadOnly}
          onChange={(variables) => onChange({ ...draft, variables })}
        />
      </Panel>
      <Panel title={t("templates.names")} hint={t("templates.namesHint")}>
        <div className={styles.scroll}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">{t("templates.nameColumn")}</th>
                <th scope="col">{t("templates.valueFrom")}</th>
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row">
                    <code>{name}</code>
                  </th>
                  <td>{t(`templates.from.${originOf(name, draft)}`)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      <Panel title={t("templates.sample")} hint={t("templates.sampleHint")}>
        <div className={styles.json}>
          <Textarea
            label={t("templates.sampleJson")}
            spellCheck={false}
            rows={12}
            value={written}
            error={values ? undefined : t("templates.notObject")}
            onChange={(event) => {
              setWritten(event.target.value);
              setUrl({ values: event.target.value || undefined });
            }}
          />
        </div>
      </Panel>
    </div>
  );
}

function originOf(name: string, draft: Draft): "customer" | "message" | "order" | "default" | "sender" {
  if (CUSTOMER_NAMES.includes(name)) return "customer";
  if (MESSAGE_NAMES.includes(name)) return "message";
  if (name === "order") return "order";
  return name in (draft.variables ?? {}) ? "default" : "sender";
}
