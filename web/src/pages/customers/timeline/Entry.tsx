import { Link } from "@tanstack/react-router";
import {
  Calendar,
  CircleDollarSign,
  FileText,
  Inbox,
  Package,
  Pin,
  ShieldCheck,
  ShoppingBag,
  Sparkles,
  StickyNote,
  UserPlus,
} from "lucide-react";
import type { ReactNode } from "react";
import { type Enum, type FragmentOf, graphql, type ResultOf, readFragment } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { Money } from "../../../components/Money";
import { Badge, ChannelIcon, MessageStatus } from "../../../components/Status";
import { t } from "../../../texts";
import { exactly, time } from "../../../texts/format";
import styles from "./Entry.module.css";

export const EntryFragment = graphql(`
  fragment TimelineEntry on TimelineEntry {
    id
    kind
    occurredAt
    channel
    direction
    author {
      kind
      name
    }
    message {
      messageId
      state
      subject
      preview
    }
    activity {
      title
      name
      reference
      status
      amount {
        amount
        currency
      }
    }
    note {
      noteId
      text
      pinned
    }
    consent {
      state
      topic
    }
    conversation {
      state
      assignee
    }
  }
`);

type EntryData = ResultOf<typeof EntryFragment>;

const ICONS: Record<Enum<"TimelineKind">, ReactNode> = {
  APPOINTMENT: <Calendar aria-hidden="true" />,
  CONSENT: <ShieldCheck aria-hidden="true" />,
  CONVERSATION: <Inbox aria-hidden="true" />,
  CUSTOM: <Sparkles aria-hidden="true" />,
  INVOICE: <FileText aria-hidden="true" />,
  MESSAGE: null,
  NOTE: <StickyNote aria-hidden="true" />,
  ORDER: <ShoppingBag aria-hidden="true" />,
  PAYMENT: <CircleDollarSign aria-hidden="true" />,
  REGISTERED: <UserPlus aria-hidden="true" />,
  SHIPMENT: <Package aria-hidden="true" />,
};

export function Entry({ entry, actions }: { entry: FragmentOf<typeof EntryFragment>; actions?: ReactNode }) {
  const data = readFragment(EntryFragment, entry);
  const { title, aside, text } = contentOf(data);
  return (
    <article className={`${styles.entry} ${data.direction === "INBOUND" ? styles.inbound : ""}`}>
      <span className={styles.icon}>
        {data.kind === "MESSAGE" && data.channel ? <ChannelIcon channel={data.channel} /> : ICONS[data.kind]}
      </span>
      <div className={styles.body}>
        <div className={styles.head}>
          <span className={styles.title}>{title}</span>
          {aside}
          <time className={styles.time} dateTime={data.occurredAt} title={exactly(data.occurredAt)}>
            {time(data.occurredAt)}
          </time>
        </div>
        {text ? (
          <p className={data.kind === "NOTE" ? styles.note : styles.text} dir="auto">
            {text}
          </p>
        ) : null}
        {data.kind === "NOTE" ? (
          <div className={styles.foot}>
            {data.author.name ? <bdi>{data.author.name}</bdi> : null}
            {actions}
          </div>
        ) : null}
      </div>
    </article>
  );
}

interface Content {
  title: ReactNode;
  aside?: ReactNode;
  text?: string | null;
}

/** How each kind is shown: what it is, how it stands, and its words. */
function contentOf(data: EntryData): Content {
  const { kind, message, activity, note, consent, conversation } = data;
  if (message) {
    const name = message.subject ?? (data.channel ? t(`channel.${data.channel}`) : t("timelineKind.MESSAGE"));
    return {
      title: (
        <Link to="/messages/$messageId" params={{ messageId: uuidOf(message.messageId) }}>
          <bdi>{name}</bdi>
        </Link>
      ),
      aside: <MessageStatus state={message.state} />,
      text: message.preview,
    };
  }
  if (activity) {
    return {
      title: (
        <bdi>
          {[t(`timelineKind.${kind}`), activity.title ?? activity.name ?? activity.reference]
            .filter(Boolean)
            .join(" · ")}
        </bdi>
      ),
      aside: (
        <>
          {activity.status ? <Badge>{activity.status}</Badge> : null}
          {activity.amount ? <Money value={activity.amount} /> : null}
        </>
      ),
    };
  }
  if (note) {
    return {
      title: t("timelineKind.NOTE"),
      aside: note.pinned ? (
        <Badge tone="accent">
          <Pin className={styles.pin} aria-hidden="true" /> {t("timeline.pinned")}
        </Badge>
      ) : null,
      text: note.text,
    };
  }
  if (consent) {
    return {
      title: (
        <bdi>
          {[t("timelineKind.CONSENT"), data.channel && t(`channel.${data.channel}`), consent.topic]
            .filter(Boolean)
            .join(" · ")}
        </bdi>
      ),
      aside: consent.state ? <Badge>{t(`consentState.${consent.state}`)}</Badge> : null,
    };
  }
  return {
    title: t(`timelineKind.${kind}`),
    aside: conversation?.state ? <Badge>{t(`conversationState.${conversation.state}`)}</Badge> : null,
  };
}
