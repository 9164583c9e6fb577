import { Plus, X } from "lucide-react";
import { Button, IconButton } from "../../../../components/Button";
import { Input, Select } from "../../../../components/Field";
import { CHANNELS } from "../../../../components/Status";
import { t } from "../../../../texts";
import { RadioCards } from "../../parts/RadioCards";
import { templatesFor } from "../ChoicesQuery";
import type { StepProps } from "../Wizard";
import styles from "./steps.module.css";
import { TemplateSelect } from "./TemplateSelect";

/** What it is called, what it is about, and by which channels it goes. */
export function BasicsStep({ draft, change, choices, errorAt }: StepProps) {
  const used = [draft.channel, ...draft.fallbacks.map((one) => one.channel)];
  const next = CHANNELS.find((channel) => !used.includes(channel));
  const changeFallback = (index: number, changes: Partial<(typeof draft.fallbacks)[number]>) =>
    change({ fallbacks: draft.fallbacks.map((one, at) => (at === index ? { ...one, ...changes } : one)) });
  return (
    <div className={styles.step}>
      <Input
        label={t("plan.name")}
        value={draft.name}
        maxLength={200}
        required
        error={errorAt("name")}
        onChange={(event) => change({ name: event.target.value })}
      />
      <Input
        label={t("plan.topic")}
        hint={t("plan.topicHint")}
        value={draft.topic}
        error={errorAt("topic")}
        onChange={(event) => change({ topic: event.target.value })}
      />
      <RadioCards
        legend={t("campaign.channel")}
        value={draft.channel}
        options={CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) }))}
        onChange={(channel) =>
          change({
            channel,
            // A text for mails is none for calls.
            template: "",
            version: null,
            variants: [],
            fallbacks: draft.fallbacks.filter((one) => one.channel !== channel),
          })
        }
      />
      <fieldset className={styles.group}>
        <legend>{t("plan.fallbacks")}</legend>
        <p className={styles.hint}>{t("plan.fallbacksHint")}</p>
        {draft.fallbacks.map((fallback, index) => (
          <div key={fallback.channel} className={styles.pair}>
            <Select
              label={t("campaign.channel")}
              value={fallback.channel}
              options={CHANNELS.filter((one) => one === fallback.channel || !used.includes(one)).map((channel) => ({
                value: channel,
                label: t(`channel.${channel}`),
              }))}
              onChange={(channel) => changeFallback(index, { channel, template: "", version: null })}
            />
            <TemplateSelect
              templates={templatesFor(choices.templates, fallback.channel)}
              value={fallback.template}
              none={t("plan.sameTemplate")}
              onChange={(template) => changeFallback(index, { template, version: null })}
            />
            <IconButton
              label={t("plan.removeFallback", { channel: t(`channel.${fallback.channel}`) })}
              icon={<X />}
              onClick={() => change({ fallbacks: draft.fallbacks.filter((_, at) => at !== index) })}
            />
          </div>
        ))}
        {errorAt("fallbacks") ? <p className={styles.error}>{errorAt("fallbacks")}</p> : null}
        {next ? (
          <div className={styles.actions}>
            <Button
              icon={<Plus />}
              onClick={() =>
                change({ fallbacks: [...draft.fallbacks, { channel: next, template: "", version: null }] })
              }
            >
              {t("plan.addFallback")}
            </Button>
          </div>
        ) : null}
      </fieldset>
    </div>
  );
}
