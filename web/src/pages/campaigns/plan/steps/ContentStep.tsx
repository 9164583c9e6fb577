import { LinkButton } from "../../../../components/Button";
import { Empty } from "../../../../components/Empty";
import { Input, Select, Textarea } from "../../../../components/Field";
import { t } from "../../../../texts";
import { TextPreview } from "../../parts/TextPreview";
import { templatesFor } from "../ChoicesQuery";
import { variablesOf } from "../draft";
import type { StepProps } from "../Wizard";
import styles from "./steps.module.css";
import { TemplateSelect } from "./TemplateSelect";
import { VariantFields } from "./VariantFields";

/** The text, the values that it asks for, and several texts beside each other. */
export function ContentStep({ draft, change, choices, errorAt }: StepProps) {
  const templates = templatesFor(choices.templates, draft.channel);
  const chosen = templates.find((one) => one.code === draft.template);
  const versions = Array.from(
    { length: Math.min(chosen?.version ?? 0, 20) },
    (_, index) => (chosen?.version ?? 0) - index,
  );
  const isWrong = draft.variables.trim() !== "" && !variablesOf(draft.variables);
  if (templates.length === 0) {
    return (
      <Empty
        title={t("plan.noTemplates", { channel: t(`channel.${draft.channel}`) })}
        action={<LinkButton to="/templates">{t("nav.templates")}</LinkButton>}
      >
        {t("plan.noTemplatesHint")}
      </Empty>
    );
  }
  return (
    <div className={styles.step}>
      <div className={styles.row}>
        <TemplateSelect
          templates={templates}
          value={draft.template}
          none={t("plan.chooseTemplate")}
          error={errorAt("template")}
          onChange={(template) => change({ template, version: null })}
        />
        <Select
          label={t("plan.versionLabel")}
          value={draft.version === null ? "" : String(draft.version)}
          error={errorAt("version")}
          options={[
            { value: "", label: t("plan.newestVersion") },
            ...versions.map((version) => ({
              value: String(version),
              label: t("plan.version", { version: String(version) }),
            })),
          ]}
          onChange={(version) => change({ version: version === "" ? null : Number(version) })}
        />
      </div>
      <Textarea
        label={t("plan.variables")}
        hint={t("plan.variablesHint")}
        spellCheck={false}
        value={draft.variables}
        error={isWrong ? t("plan.variablesWrong") : errorAt("variables")}
        onChange={(event) => change({ variables: event.target.value })}
      />
      {draft.template ? (
        <TextPreview
          code={draft.template}
          version={draft.version}
          channel={draft.channel}
          variables={variablesOf(draft.variables)}
        />
      ) : null}
      <VariantFields draft={draft} change={change} templates={templates} error={errorAt("experiment")} />
      <Input
        label={t("plan.holdOut")}
        hint={t("plan.holdOutHint")}
        type="number"
        min={0}
        max={99}
        step="0.01"
        value={draft.holdOut}
        onChange={(event) => change({ holdOut: event.target.value })}
      />
    </div>
  );
}
