import { Plus, X } from "lucide-react";
import type { Enum } from "../../../api/graphql";
import { Button, IconButton } from "../../../components/Button";
import { Input, Select, Textarea } from "../../../components/Field";
import { t } from "../../../texts";
import type { WhatsappTexts } from "../draft/draft";
import { errorAt, type FormProps } from "./ContentForm";
import styles from "./ContentForm.module.css";
import { FieldPlace } from "./FieldPlace";

const APPROVALS = [
  "DRAFT",
  "PENDING",
  "APPROVED",
  "PAUSED",
  "REJECTED",
] as const satisfies readonly Enum<"TemplateApproval">[];

/** A template that WhatsApp keeps: its id there, what it decided, and the values of the placeholders. */
export function WhatsappForm({ texts, onChange, findings, target, isReadOnly }: FormProps<WhatsappTexts>) {
  const variables = texts.variables ?? [];
  const setVariable = (at: number, value: string | undefined) =>
    onChange({ ...texts, variables: variables.flatMap((one, index) => (index === at ? (value ?? []) : one)) });
  return (
    <>
      <div className={styles.pair}>
        <FieldPlace name="providerTemplate" target={target}>
          <Input
            label={t("templates.providerTemplate")}
            readOnly={isReadOnly}
            value={texts.providerTemplate}
            error={errorAt(findings, "providerTemplate")}
            onChange={(event) => onChange({ ...texts, providerTemplate: event.target.value })}
          />
        </FieldPlace>
        <FieldPlace name="language" target={target}>
          <Input
            label={t("templates.submittedIn")}
            readOnly={isReadOnly}
            value={texts.language}
            error={errorAt(findings, "language")}
            onChange={(event) => onChange({ ...texts, language: event.target.value })}
          />
        </FieldPlace>
        <Select
          label={t("templates.approval")}
          disabled={isReadOnly}
          value={texts.approval}
          options={APPROVALS.map((one) => ({ value: one, label: t(`templates.approvals.${one}`) }))}
          onChange={(approval) => onChange({ ...texts, approval })}
        />
      </div>
      <FieldPlace name="variables" target={target}>
        <fieldset className={styles.group} disabled={isReadOnly}>
          <legend>{t("templates.placeholders")}</legend>
          {variables.map((value, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: placeholders are known by their place
            <div key={index} className={styles.row}>
              <Input
                label={t("templates.placeholder", { placeholder: `{{${index + 1}}}` })}
                dir="auto"
                value={value}
                onChange={(event) => setVariable(index, event.target.value)}
              />
              <IconButton
                label={t("templates.removePlaceholder", { number: index + 1 })}
                icon={<X />}
                onClick={() => setVariable(index, undefined)}
              />
            </div>
          ))}
          <div>
            <Button
              kind="quiet"
              icon={<Plus aria-hidden="true" />}
              onClick={() => onChange({ ...texts, variables: [...variables, ""] })}
            >
              {t("templates.addPlaceholder")}
            </Button>
          </div>
        </fieldset>
      </FieldPlace>
      <FieldPlace name="body" target={target}>
        <Textarea
          label={t("templates.whatsappBody")}
          hint={t("templates.whatsappHint")}
          dir="auto"
          readOnly={isReadOnly}
          value={texts.body}
          error={errorAt(findings, "body")}
          onChange={(event) => onChange({ ...texts, body: event.target.value })}
        />
      </FieldPlace>
    </>
  );
}
