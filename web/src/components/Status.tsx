import { Bell, Mail, MessageCircle, MessageSquare, MonitorSmartphone, Phone } from "lucide-react";
import type { ReactNode } from "react";
import type { Enum } from "../api/graphql";
import { t } from "../texts";
import styles from "./Status.module.css";

type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

/** A short word in a coloured frame: the word says everything, the colour helps to scan. */
export function Badge({ tone = "neutral", title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span className={`${styles.badge} ${styles[tone]}`} title={title}>
      {children}
    </span>
  );
}

type MessageState = Enum<"MessageState">;

const TONES: Record<MessageState, Tone> = {
  BOUNCED: "bad",
  CANCELLED: "neutral",
  CLICKED: "good",
  COMPLAINED: "bad",
  DEFERRED: "warn",
  DELIVERED: "good",
  DISPATCHING: "neutral",
  FAILED: "bad",
  HELD: "warn",
  IN_DOUBT: "warn",
  OPENED: "good",
  OPTED_OUT: "warn",
  QUEUED: "neutral",
  RECEIVED: "accent",
  REPLIED: "accent",
  SENT: "neutral",
  SUPPRESSED: "warn",
};

export const MessageStatus = ({ state }: { state: MessageState }) => (
  <Badge tone={TONES[state]}>{t(`messageState.${state}`)}</Badge>
);

export type Channel = Enum<"Channel">;

const ICONS: Record<Channel, ReactNode> = {
  EMAIL: <Mail aria-hidden="true" />,
  IN_APP: <MonitorSmartphone aria-hidden="true" />,
  PUSH: <Bell aria-hidden="true" />,
  SMS: <MessageSquare aria-hidden="true" />,
  VOICE: <Phone aria-hidden="true" />,
  WHATSAPP: <MessageCircle aria-hidden="true" />,
};

/** The channels in the order in which people name them. */
export const CHANNELS = ["EMAIL", "SMS", "WHATSAPP", "VOICE", "PUSH", "IN_APP"] as const satisfies readonly Channel[];

export const ChannelIcon = ({ channel }: { channel: Channel }) => ICONS[channel];

export const ChannelName = ({ channel }: { channel: Channel }) => (
  <span className={styles.channel}>
    {ICONS[channel]}
    {t(`channel.${channel}`)}
  </span>
);
