import { Inbox as InboxIcon } from "lucide-react";
import { useState } from "react";
import { uuidOf } from "../../api/ids";
import { Empty } from "../../components/Empty";
import { PageHeader } from "../../components/PageHeader";
import { useShortcuts } from "../../shell/shortcuts";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { AgentDialog } from "./AgentDialog";
import { useAgentName } from "./agent";
import { Conversations } from "./Conversations";
import { FolderSelect, Folders } from "./Folders";
import styles from "./InboxPage.module.css";
import { inboxUrl } from "./inboxUrl";
import { Thread } from "./thread/Thread";
import { useInbox } from "./useInbox";

/** Folders, conversations and one conversation side by side; one at a time where there is no room. */
export function InboxPage() {
  const [url, setUrl] = useUrlState(inboxUrl);
  const me = useAgentName();
  const [asksName, setAsksName] = useState(false);
  const inbox = useInbox(url, me);

  const open = (id: string | undefined) => setUrl({ c: id && uuidOf(id) }, { push: url.c === undefined });
  const index = inbox.rows.findIndex((row) => uuidOf(row.id) === url.c);
  const step = (by: number) => {
    const next = inbox.rows[Math.max(0, Math.min(inbox.rows.length - 1, index + by))];
    if (next) open(next.id);
  };
  useShortcuts({ j: () => step(1), k: () => step(index < 0 ? 1 : -1) });

  return (
    <div className={styles.page} data-open={url.c !== undefined}>
      <div className={styles.folders}>
        <PageHeader title={t("nav.inbox")} />
        <Folders url={url} setUrl={setUrl} inbox={inbox} me={me} onName={() => setAsksName(true)} />
      </div>
      <section className={styles.list} aria-label={t("inbox.conversations")}>
        <FolderSelect url={url} setUrl={setUrl} inbox={inbox} />
        <Conversations url={url} setUrl={setUrl} inbox={inbox} />
      </section>
      {/* Where the conversation is alone in sight, this page still has its name. */}
      <h1 className={`hidden-visually ${styles.title}`}>{t("nav.inbox")}</h1>
      <section className={styles.thread} aria-label={t("inbox.thread")}>
        {url.c ? (
          <Thread
            key={url.c}
            id={url.c}
            me={me}
            colleagues={(inbox.counts?.byAssignee ?? []).flatMap(({ name }) => name ?? [])}
            onName={() => setAsksName(true)}
            onClose={() => setUrl({ c: undefined })}
            onDone={() => open((inbox.rows[index + 1] ?? inbox.rows[index - 1])?.id)}
          />
        ) : (
          <div className={styles.none}>
            <Empty title={t("inbox.choose")} icon={<InboxIcon aria-hidden="true" />}>
              {t("inbox.chooseHint")}
            </Empty>
          </div>
        )}
      </section>
      {asksName ? <AgentDialog name={me} onClose={() => setAsksName(false)} /> : null}
    </div>
  );
}
