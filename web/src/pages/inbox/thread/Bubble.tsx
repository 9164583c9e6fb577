import { Link } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import { uuidOf } from "../../../api/ids";
import { Badge, MessageStatus } from "../../../components/Status";
import { Files } from "../../../compose/Files";
import { t } from "../../../texts";
import { dateTime, exactly } from "../../../texts/format";
import styles from "./Bubble.module.css";
import type { ThreadEntry } from "./ThreadQuery";

/** One message, private note or change of a conversation. */
export function Bubble({ entry }: { entry: ThreadEntry }) {
  if (entry.message) return <Message entry={entry} message={entry.message} />;
  if (entry.note) {
    return (
      <article className={`${styles.bubble} ${styles.note}`}>
        <p className={styles.head}>
          <Lock aria-hidden="true" />
          {t("inbox.privateNote")}
          <bdi>{entry.author.name}</bdi>
          <At at={entry.occurredAt} />
        </p>
        <p className={styles.text} dir="auto">
          {entry.note.text}
        </p>
      </article>
    );
  }
  return (
    <p className={styles.change}>
      {changeOf(entry)} · {entry.author.name ? <bdi>{entry.author.name}</bdi> : null} <At at={entry.occurredAt} />
    </p>
  );
}

function Message({ entry, message }: { entry: ThreadEntry; message: NonNullable<ThreadEntry["message"]> }) {
  const isOurs = entry.direction === "OUTBOUND";
  const text = message.details?.body ?? message.preview;
  return (
    <article className={`${styles.bubble} ${isOurs ? styles.ours : styles.theirs}`}>
      {message.subject ? (
        <h3 className={styles.subject} dir="auto">
          {message.subject}
        </h3>
      ) : null}
      <p className={text ? styles.text : styles.none} dir="auto">
        {text || t("inbox.noText")}
      </p>
      <Files files={message.details?.attachments ?? []} />
      <p className={styles.head}>
        {message.details?.isAutomatic ? <Badge>{t("inbox.machine")}</Badge> : null}
        {isOurs && entry.author.name ? <bdi className={styles.author}>{entry.author.name}</bdi> : null}
        {isOurs ? <MessageStatus state={message.state} /> : null}
        <Link to="/messages/$messageId" params={{ messageId: uuidOf(message.messageId) }}>
          <At at={entry.occurredAt} />
          <span className="hidden-visually"> {t("inbox.details")}</span>
        </Link>
      </p>
    </article>
  );
}

const At = ({ at }: { at: string }) => (
  <time dateTime={at} title={exactly(at)} className={styles.at}>
    {dateTime(at)}
  </time>
);

function changeOf({ conversation, kind }: ThreadEntry): string {
  if (!conversation?.state) return t(`timelineKind.${kind}`);
  const name = conversation.assignee;
  return [
    t(`inbox.events.${conversation.state}`),
    name ? t("inbox.assigned", { name }) : t("inbox.assignedToNobody"),
  ].join(", ");
}
