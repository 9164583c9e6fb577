import { useState } from "react";
import { useQuery } from "urql";
import type { ResultOf } from "../api/graphql";
import { problemOf } from "../api/problem";
import { Button } from "../components/Button";
import { Dialog } from "../components/Dialog";
import { Failure } from "../components/Failure";
import { Select } from "../components/Field";
import { MailFrame } from "../components/mail/MailFrame";
import { Skeleton } from "../components/Skeleton";
import type { Channel } from "../components/Status";
import { t } from "../texts";
import styles from "./TemplatePicker.module.css";
import { MessagePreviewQuery, TemplatesForMessageQuery } from "./TemplateQuery";

export interface ChosenTemplate {
  code: string;
  version: number;
  title: string;
  class: "MARKETING" | "TRANSACTIONAL";
}

interface PickerProps {
  channel: Channel;
  customerId: string;
  onChoose: (template: ChosenTemplate) => void;
  onClose: () => void;
}

/** Chooses a published template that has a text for a channel, and shows what this customer would get. */
export function TemplatePicker({ channel, customerId, onChoose, onClose }: PickerProps) {
  const [{ data, error }] = useQuery({ query: TemplatesForMessageQuery, variables: {} });
  const [code, setCode] = useState<string>();
  const templates = data && templatesFor(channel, data.templates);
  const chosen = templates?.find((template) => template.code === code) ?? templates?.[0];
  return (
    <Dialog
      title={t("compose.templateChoose")}
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button
            kind="primary"
            disabled={!chosen}
            onClick={() => {
              if (!chosen) return;
              onChoose(chosen);
              onClose();
            }}
          >
            {t("compose.use")}
          </Button>
        </>
      }
    >
      <Failure problem={error && problemOf(error)} />
      {templates?.length === 0 ? <p>{t("compose.templateNone")}</p> : null}
      {chosen && templates ? (
        <>
          <Select
            label={t("compose.template")}
            value={chosen.code}
            options={templates.map((one) => ({ value: one.code, label: one.title }))}
            onChange={setCode}
          />
          <Preview template={chosen} channel={channel} customerId={customerId} />
        </>
      ) : null}
      {data || error ? null : <Skeleton lines={6} />}
    </Dialog>
  );
}

type Templates = ResultOf<typeof TemplatesForMessageQuery>["templates"];

function templatesFor(channel: Channel, templates: Templates): ChosenTemplate[] {
  return templates.flatMap(({ code, version, title, class: of, contents }) =>
    version !== null && contents.some((content) => content.channel === channel)
      ? [{ code, version, title, class: of }]
      : [],
  );
}

interface PreviewProps {
  template: Pick<ChosenTemplate, "code" | "version">;
  channel: Channel;
  customerId: string;
}

function Preview({ template, channel, customerId }: PreviewProps) {
  const { code, version } = template;
  const [{ data, error, fetching }] = useQuery({
    query: MessagePreviewQuery,
    variables: { code, version, channel, customerId },
  });
  const result = data?.previewTemplate;
  const preview = result?.preview;
  return (
    <section className={styles.preview} aria-label={t("compose.preview")} aria-busy={fetching}>
      <Failure refusal={result?.refusal ?? undefined} problem={error && problemOf(error)} />
      {preview ? (
        <>
          <p className={styles.facts}>
            {[t("compose.version", { version }), preview.locale].join(" · ")}
            {preview.segments === null ? null : ` · ${t("compose.segments", { count: preview.segments })}`}
          </p>
          {preview.subject ? (
            <h3 className={styles.subject} dir="auto">
              {preview.subject}
            </h3>
          ) : null}
          {preview.html ? (
            <MailFrame html={preview.html} title={t("compose.preview")} />
          ) : (
            <p className={styles.text} dir="auto">
              {preview.body || preview.steps.map(({ say }) => say).join("\n")}
            </p>
          )}
        </>
      ) : null}
      {!result && !error ? <Skeleton lines={6} /> : null}
    </section>
  );
}
