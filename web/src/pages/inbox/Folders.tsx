import { CircleUser, Clock, Inbox as InboxIcon, MailCheck, MessageCircleReply, User, UserX } from "lucide-react";
import type { ReactNode } from "react";
import { Select } from "../../components/Field";
import { CHANNELS, ChannelName } from "../../components/Status";
import { t } from "../../texts";
import { number } from "../../texts/format";
import styles from "./Folders.module.css";
import { FOLDERS, type Folder, type InboxState } from "./inboxUrl";
import type { Inbox } from "./useInbox";

interface FoldersProps {
  url: InboxState;
  setUrl: (changes: Partial<InboxState>) => void;
  inbox: Inbox;
}

const ICONS: Record<Folder, ReactNode> = {
  mine: <User aria-hidden="true" />,
  unassigned: <UserX aria-hidden="true" />,
  open: <InboxIcon aria-hidden="true" />,
  pending: <MessageCircleReply aria-hidden="true" />,
  snoozed: <Clock aria-hidden="true" />,
  resolved: <MailCheck aria-hidden="true" />,
};

function countOf(folder: Folder, counts: Inbox["counts"]): number | undefined {
  if (!counts) return undefined;
  switch (folder) {
    case "mine":
      return counts.assigned && counts.assigned.open + counts.assigned.pending;
    case "unassigned":
      return counts.unassigned.open + counts.unassigned.pending;
    default:
      return counts.all[folder];
  }
}

interface NamedProps extends FoldersProps {
  me: string | undefined;
  onName: () => void;
}

export function Folders({ url, setUrl, inbox, me, onName }: NamedProps) {
  const channels = CHANNELS.filter(
    (channel) => channel === url.channel || inbox.counts?.byChannel.some((one) => one.channel === channel),
  );
  return (
    <nav className={styles.folders} aria-label={t("inbox.folders")}>
      <ul>
        {FOLDERS.map((folder) => (
          <li key={folder}>
            <button
              type="button"
              className={styles.folder}
              aria-current={folder === url.folder ? "page" : undefined}
              onClick={() => {
                if (folder === "mine" && me === undefined) onName();
                setUrl({ folder, c: undefined });
              }}
            >
              {ICONS[folder]}
              <span className={styles.name}>{t(`inbox.folder.${folder}`)}</span>
              <Count value={countOf(folder, inbox.counts)} />
            </button>
          </li>
        ))}
      </ul>
      {channels.length > 0 ? (
        <section className={styles.group}>
          <h2>{t("inbox.channels")}</h2>
          <ul>
            {channels.map((channel) => (
              <li key={channel}>
                <button
                  type="button"
                  className={styles.folder}
                  aria-pressed={channel === url.channel}
                  onClick={() => setUrl({ channel: channel === url.channel ? undefined : channel, c: undefined })}
                >
                  <span className={styles.name}>
                    <ChannelName channel={channel} />
                  </span>
                  <Count value={inbox.counts?.byChannel.find((one) => one.channel === channel)?.counts.open} />
                </button>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      <button type="button" className={styles.folder} onClick={onName}>
        <CircleUser aria-hidden="true" />
        <bdi className={styles.name}>{me ?? t("inbox.agent")}</bdi>
      </button>
    </nav>
  );
}

const Count = ({ value }: { value: number | undefined }) => (
  <span className={styles.count}>{value ? number(value) : ""}</span>
);

/** The same choice where there is no room for the folders. */
export function FolderSelect({ url, setUrl, inbox }: FoldersProps) {
  const written = (folder: Folder) => {
    const count = countOf(folder, inbox.counts);
    return count ? `${t(`inbox.folder.${folder}`)} (${number(count)})` : t(`inbox.folder.${folder}`);
  };
  return (
    <div className={styles.select}>
      <h1 className={styles.title}>{t("nav.inbox")}</h1>
      <Select
        label={t("inbox.folders")}
        isLabelHidden
        value={url.folder}
        options={FOLDERS.map((folder) => ({ value: folder, label: written(folder) }))}
        onChange={(folder) => setUrl({ folder, c: undefined })}
      />
      <Select
        label={t("inbox.channels")}
        isLabelHidden
        value={url.channel ?? ""}
        options={[
          { value: "", label: t("inbox.allChannels") },
          ...CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) })),
        ]}
        onChange={(channel) => setUrl({ channel: channel || undefined, c: undefined })}
      />
    </div>
  );
}
