import { Link } from "@tanstack/react-router";
import { Clock } from "lucide-react";
import { uuidOf } from "../../api/ids";
import { Badge, ChannelIcon } from "../../components/Status";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { dateTime } from "../../texts/format";
import styles from "./ConversationRow.module.css";
import type { ConversationRow } from "./InboxQuery";
import { type InboxState, inboxUrl } from "./inboxUrl";

export function Row({
  conversation,
  url,
  isChosen,
}: {
  conversation: ConversationRow;
  url: InboxState;
  isChosen: boolean;
}) {
  const { customer, lastMessage, unread } = conversation;
  const name = customer?.forgottenAt ? t("customers.forgotten") : (customer?.name ?? t("customers.nameless"));
  return (
    <Link
      to="/inbox"
      search={inboxUrl.params({ ...url, c: uuidOf(conversation.id) })}
      className={`${styles.row} ${unread > 0 ? styles.unread : ""}`}
      aria-current={isChosen ? "true" : undefined}
    >
      <span className={styles.icon} title={t(`channel.${conversation.channel}`)}>
        <ChannelIcon channel={conversation.channel} />
      </span>
      <span className={styles.head}>
        <bdi className={styles.name} title={name}>
          {name}
        </bdi>
        <span className={styles.time}>
          <Time at={conversation.changedAt} />
        </span>
      </span>
      <span className={styles.text}>
        {lastMessage?.direction === "OUTBOUND" ? <span className={styles.you}>{t("inbox.you")} </span> : null}
        <bdi>{lastMessage?.preview}</bdi>
      </span>
      <span className={styles.foot}>
        {conversation.priority === "NORMAL" ? null : (
          <Badge tone={conversation.priority === "LOW" ? "neutral" : "warn"}>
            {t(`inbox.priorities.${conversation.priority}`)}
          </Badge>
        )}
        {conversation.snoozedUntil ? (
          <span className={styles.snoozed}>
            <Clock aria-hidden="true" />
            {dateTime(conversation.snoozedUntil)}
          </span>
        ) : null}
        <bdi className={styles.assignee}>{conversation.assignee}</bdi>
        {unread > 0 ? (
          <span className={styles.count} title={t("inbox.unread", { count: unread })}>
            <span aria-hidden="true">{unread}</span>
            <span className="hidden-visually">{t("inbox.unread", { count: unread })}</span>
          </span>
        ) : null}
      </span>
    </Link>
  );
}
