import { useMemo } from "react";
import { CodeEditor, type Mark } from "../../../components/code/CodeEditor";
import { Checkbox, Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import type { EmailTexts } from "../draft/draft";
import type { Finding } from "../draft/useLint";
import { errorAt, type FormProps } from "./ContentForm";
import styles from "./ContentForm.module.css";
import { FieldPlace, isAt } from "./FieldPlace";

/** A partial has no subject: it is a piece of the layout. */
export function EmailForm(props: FormProps<EmailTexts> & { isPartial: boolean }) {
  const { texts, onChange, findings, target, isReadOnly, isPartial } = props;
  const source = useMarks(findings, "source");
  const plain = useMarks(findings, "text");
  return (
    <>
      {isPartial ? null : (
        <>
          <FieldPlace name="subject" target={target}>
            <Input
              label={t("templates.subject")}
              dir="auto"
              readOnly={isReadOnly}
              value={texts.subject}
              error={errorAt(findings, "subject")}
              onChange={(event) => onChange({ ...texts, subject: event.target.value })}
            />
          </FieldPlace>
          <FieldPlace name="preheader" target={target}>
            <Input
              label={t("templates.preheader")}
              dir="auto"
              readOnly={isReadOnly}
              value={texts.preheader ?? ""}
              error={errorAt(findings, "preheader")}
              onChange={(event) => onChange({ ...texts, preheader: event.target.value || null })}
            />
          </FieldPlace>
        </>
      )}
      <div className={`${styles.code} ${styles.large}`}>
        <span className={styles.label}>
          {t("templates.source")}
          <Select
            label={t("templates.markup")}
            isLabelHidden
            disabled={isReadOnly}
            value={texts.markup}
            options={[
              { value: "MJML", label: "MJML" },
              { value: "HTML", label: "HTML" },
            ]}
            onChange={(markup) => onChange({ ...texts, markup })}
          />
        </span>
        <CodeEditor
          label={t("templates.source")}
          language="markup"
          value={texts.source}
          isReadOnly={isReadOnly}
          marks={source}
          goTo={isAt(target, "source") ? target : undefined}
          onChange={(changed) => onChange({ ...texts, source: changed })}
        />
      </div>
      <Checkbox
        label={t("templates.ownText")}
        disabled={isReadOnly}
        checked={texts.text !== null && texts.text !== undefined}
        onChange={(event) => onChange({ ...texts, text: event.target.checked ? "" : null })}
      />
      {texts.text === null || texts.text === undefined ? null : (
        <div className={`${styles.code} ${styles.small}`}>
          <span className={styles.label}>{t("templates.plainText")}</span>
          <CodeEditor
            label={t("templates.plainText")}
            language="text"
            value={texts.text}
            isReadOnly={isReadOnly}
            marks={plain}
            goTo={isAt(target, "text") ? target : undefined}
            onChange={(changed) => onChange({ ...texts, text: changed })}
          />
        </div>
      )}
    </>
  );
}

export function useMarks(findings: readonly Finding[], field: string): Mark[] {
  return useMemo(
    () =>
      findings
        .filter((finding) => finding.field === field && finding.line !== null)
        .map(({ line, column, message, level }) => ({
          line: line ?? 1,
          column: column ?? 1,
          message,
          isError: level === "ERROR",
        })),
    [findings, field],
  );
}
