import { Link } from "@tanstack/react-router";
import { Clock } from "lucide-react";
import { uuidOf } from "../../api/ids";
import { Badge, ChannelIcon } from "../../components/Status";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { dateTime } from "../../texts/format";
import styles from "./ConversationRow.module.css";
import type { ConversationRow } from "./InboxQuery";
import { type InboxState, inboxUrl, movedAt } from "./inboxUrl";

export function Row({
  conversation,
  url,
  isChosen,
}: {
  conversation: ConversationRow;
  url: InboxState;
  isChosen: boolean;
}) {
  const { customer, lastMessage, unread, priority, snoozedUntil, assignee } = conversation;
  const hasFoot = priority !== "NORMAL" || snoozedUntil !== null || assignee !== null;
  const name = customer?.forgottenAt ? t("customers.forgotten") : (customer?.name ?? t("customers.nameless"));
  return (
    <Link
      to="/inbox"
      search={inboxUrl.params({ ...url, c: uuidOf(conversation.id) })}
      className={`${styles.row} ${unread > 0 ? styles.unread : ""}`}
      data-chosen={isChosen}
    >
      <span className={styles.icon} title={t(`channel.${conversation.channel}`)}>
        <ChannelIcon channel={conversation.channel} />
      </span>
      <span className={styles.head}>
        <bdi className={styles.name} title={name}>
          {name}
        </bdi>
        <span className={styles.time}>
          <Time at={new Date(movedAt(conversation)).toISOString()} />
        </span>
      </span>
      <span className={styles.text}>
        <span className={styles.preview}>
          {lastMessage?.direction === "OUTBOUND" ? <span className={styles.you}>{t("inbox.you")} </span> : null}
          <bdi>{lastMessage?.preview}</bdi>
        </span>
        {unread > 0 ? (
          <span className={styles.count} title={t("inbox.unread", { count: unread })}>
            <span aria-hidden="true">{unread}</span>
            <span className="hidden-visually">{t("inbox.unread", { count: unread })}</span>
          </span>
        ) : null}
      </span>
      {hasFoot ? (
        <span className={styles.foot}>
          {priority === "NORMAL" ? null : (
            <Badge tone={priority === "LOW" ? "neutral" : "warn"}>{t(`inbox.priorities.${priority}`)}</Badge>
          )}
          {snoozedUntil ? (
            <span className={styles.snoozed}>
              <Clock aria-hidden="true" />
              {dateTime(snoozedUntil)}
            </span>
          ) : null}
          <bdi className={styles.assignee}>{assignee}</bdi>
        </span>
      ) : null}
    </Link>
  );
}
