import { CodeEditor } from "../../../components/code/CodeEditor";
import { Input, Textarea } from "../../../components/Field";
import { t } from "../../../texts";
import type { NotificationTexts, SmsTexts } from "../draft/draft";
import { errorAt, type FormProps } from "./ContentForm";
import styles from "./ContentForm.module.css";
import { useMarks } from "./EmailForm";
import { FieldPlace, isAt } from "./FieldPlace";

export function SmsForm({ texts, onChange, findings, target, isReadOnly }: FormProps<SmsTexts>) {
  const marks = useMarks(findings, "body");
  return (
    <div className={`${styles.code} ${styles.large}`}>
      <span className={styles.label}>{t("templates.body")}</span>
      <CodeEditor
        label={t("templates.body")}
        language="text"
        value={texts.body}
        isReadOnly={isReadOnly}
        marks={marks}
        goTo={isAt(target, "body") ? target : undefined}
        onChange={(body) => onChange({ body })}
      />
    </div>
  );
}

export function NotificationForm({ texts, onChange, findings, target, isReadOnly }: FormProps<NotificationTexts>) {
  return (
    <>
      <FieldPlace name="title" target={target}>
        <Input
          label={t("templates.notificationTitle")}
          dir="auto"
          readOnly={isReadOnly}
          value={texts.title}
          error={errorAt(findings, "title")}
          onChange={(event) => onChange({ ...texts, title: event.target.value })}
        />
      </FieldPlace>
      <FieldPlace name="body" target={target}>
        <Textarea
          label={t("templates.body")}
          dir="auto"
          readOnly={isReadOnly}
          value={texts.body}
          error={errorAt(findings, "body")}
          onChange={(event) => onChange({ ...texts, body: event.target.value })}
        />
      </FieldPlace>
      <FieldPlace name="link" target={target}>
        <Input
          label={t("templates.link")}
          hint={t("templates.linkHint")}
          readOnly={isReadOnly}
          value={texts.link ?? ""}
          error={errorAt(findings, "link")}
          onChange={(event) => onChange({ ...texts, link: event.target.value || null })}
        />
      </FieldPlace>
    </>
  );
}
