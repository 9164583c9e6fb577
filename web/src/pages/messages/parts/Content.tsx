import { MailFrame } from "../../../components/mail/MailFrame";
import { Panel } from "../../../components/Panel";
import { Badge } from "../../../components/Status";
import { Tabs } from "../../../components/Tabs";
import { Files } from "../../../compose/Files";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import type { MessageData } from "../MessageQuery";
import { messageUrl } from "../messageUrl";
import styles from "./Content.module.css";

/** What was written: as the reader sees it, or as plain text. */
export function Content({ message }: { message: MessageData }) {
  const [url, setUrl] = useUrlState(messageUrl);
  const html = message.html ?? message.received?.html;
  const text = message.body ? (
    <p className={styles.text} dir="auto">
      {message.body}
    </p>
  ) : null;
  const mail = html ? <MailFrame html={html} title={t("message.mailTitle")} /> : null;
  return (
    <Panel title={t("message.content")} actions={message.automatic ? <Badge>{t("inbox.machine")}</Badge> : null}>
      {mail && text ? (
        <Tabs
          label={t("message.view")}
          value={url.view}
          onChange={(view) => setUrl({ view })}
          tabs={[
            { value: "mail", label: t("message.asMail"), content: () => <div className={styles.tab}>{mail}</div> },
            { value: "text", label: t("message.asText"), content: () => <div className={styles.tab}>{text}</div> },
          ]}
        />
      ) : (
        (mail ??
        text ?? (
          <p className={styles.none}>
            {t(message.customer?.forgottenAt ? "message.forgottenContent" : "message.noContent")}
          </p>
        ))
      )}
      <Files files={message.attachments} />
    </Panel>
  );
}
