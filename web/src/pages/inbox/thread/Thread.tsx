import { useEffect } from "react";
import { useQuery, useSubscription } from "urql";
import { readFragment } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { usePages } from "../../../api/usePages";
import { Button } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { mayEdit } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { type ConversationRow, ConversationRowFragment } from "../InboxQuery";
import { Bubble } from "./Bubble";
import { ReplyBox } from "./ReplyBox";
import styles from "./Thread.module.css";
import { ThreadHeader } from "./ThreadHeader";
import {
  ThreadChanges,
  ThreadConversationQuery,
  ThreadEntryFragment,
  ThreadQuery,
  UpdateConversation,
} from "./ThreadQuery";
import { withoutEchoes } from "./withoutEchoes";

export interface ThreadProps {
  id: string;
  me: string | undefined;
  /** Names that conversations are assigned to. */
  colleagues: readonly string[];
  /** Asks who "me" is. */
  onName: () => void;
  onClose: () => void;
  /** It is done with: the next one is shown. */
  onDone: () => void;
}

export function Thread(props: ThreadProps) {
  const [{ data, error }, read] = useQuery({ query: ThreadConversationQuery, variables: { id: props.id } });
  const conversation = readFragment(ConversationRowFragment, data?.conversation);
  if (conversation) return <Opened {...props} conversation={conversation} />;
  if (error) {
    return (
      <div className={styles.failure}>
        <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
      </div>
    );
  }
  if (!data) return <Waiting />;
  return (
    <Empty title={t("inbox.unknown")} action={<Button onClick={props.onClose}>{t("inbox.back")}</Button>}>
      {t("inbox.unknownHint")}
    </Empty>
  );
}

function Opened({ conversation, ...props }: ThreadProps & { conversation: ConversationRow }) {
  const { customerId, id: conversationId } = conversation;
  const edits = mayEdit(useViewer());
  const pages = usePages(
    ThreadQuery,
    { customerId, filter: { conversationId } },
    { connection: (data) => data.timeline, size: 30 },
  );
  const { rows, loadNewer } = pages;
  // Urql calls this while it renders: what it leads to comes right after.
  useSubscription({ query: ThreadChanges, variables: { customerId } }, (_, change) => {
    const isHere = change.timeline.conversationId === conversationId;
    if (isHere && !rows.some((row) => row.id === change.timeline.id)) queueMicrotask(loadNewer);
    return change;
  });
  useReading(conversation, edits);

  const entries = withoutEchoes(rows.map((row) => readFragment(ThreadEntryFragment, row)));
  const lastReceived = entries.find((entry) => entry.message && entry.direction === "INBOUND")?.message?.messageId;
  return (
    <div className={styles.thread}>
      <ThreadHeader conversation={conversation} {...props} />
      <div className={styles.scroll} tabIndex={0} role="log" aria-label={t("inbox.thread")} aria-busy={pages.isLoading}>
        {/* Newest first in the document, shown from the bottom: what is new is in sight without scrolling by script. */}
        {entries.map((entry) => (
          <Bubble key={entry.id} entry={entry} />
        ))}
        {pages.isLoading ? <Waiting /> : null}
        {pages.hasMore ? (
          <Button kind="quiet" busy={pages.isLoadingMore} onClick={pages.loadMore}>
            {t("inbox.earlier")}
          </Button>
        ) : null}
        <Failure problem={pages.error && problemOf(pages.error)} onRetry={pages.reload} />
      </div>
      {edits ? (
        <ReplyBox conversation={conversation} inReplyTo={lastReceived} me={props.me} onSent={loadNewer} />
      ) : null}
    </div>
  );
}

/** Whoever answers conversations and has one before the eyes has read it. */
function useReading({ id, customerId, unread }: ConversationRow, answers: boolean) {
  const { run } = useAction(UpdateConversation);
  useEffect(() => {
    if (unread === 0 || !answers) return;
    const read = () => {
      if (document.visibilityState === "visible") run({ customerId, conversationId: id, changes: { markRead: true } });
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [id, customerId, unread, answers, run]);
}

const Waiting = () => (
  <div className={styles.waiting}>
    <Skeleton lines={2} width="60%" />
    <Skeleton lines={2} width="48%" />
    <Skeleton lines={2} width="68%" />
  </div>
);
