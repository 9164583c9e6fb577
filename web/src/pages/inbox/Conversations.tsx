import { useVirtualizer } from "@tanstack/react-virtual";
import { Inbox as InboxIcon } from "lucide-react";
import { useEffect, useRef } from "react";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { Checkbox, Select } from "../../components/Field";
import { Skeleton } from "../../components/Skeleton";
import { t } from "../../texts";
import { Row } from "./ConversationRow";
import styles from "./Conversations.module.css";
import { type InboxState, ORDERS } from "./inboxUrl";
import type { Inbox } from "./useInbox";

interface ConversationsProps {
  url: InboxState;
  setUrl: (changes: Partial<InboxState>) => void;
  inbox: Inbox;
}

/** Of a row without an assignee, a priority or a snooze. */
const ROW_HEIGHT = 57;

export function Conversations({ url, setUrl, inbox }: ConversationsProps) {
  const { rows, hasMore, isLoadingMore, loadMore } = inbox;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => rows[index]?.id ?? index,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoadingMore && lastShown >= rows.length - 20) loadMore();
  }, [hasMore, isLoadingMore, lastShown, rows.length, loadMore]);

  const chosen = rows.findIndex((row) => uuidOf(row.id) === url.c);
  useEffect(() => {
    if (chosen >= 0) virtual.scrollToIndex(chosen);
  }, [chosen, virtual]);

  return (
    <>
      <div className={styles.bar}>
        <Select
          label={t("inbox.order")}
          isLabelHidden
          value={url.order}
          options={ORDERS.map((order) => ({ value: order, label: t(`inbox.orders.${order}`) }))}
          onChange={(order) => setUrl({ order })}
        />
        <Checkbox
          label={t("inbox.unreadOnly")}
          checked={url.unread}
          onChange={(event) => setUrl({ unread: event.target.checked })}
        />
      </div>
      <div ref={scroller} className={styles.scroll} aria-busy={inbox.isLoading}>
        {rows.length > 0 ? (
          <ul className={styles.rows} style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <li
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className={styles.row}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <Row conversation={row} url={url} isChosen={item.index === chosen} />
                </li>
              );
            })}
          </ul>
        ) : null}
        {inbox.isLoading || isLoadingMore ? <Waiting lines={inbox.isLoading ? 8 : 2} /> : null}
        {inbox.error ? (
          <div className={styles.failure}>
            <Failure problem={problemOf(inbox.error)} onRetry={inbox.reload} />
          </div>
        ) : null}
        {!inbox.isLoading && !inbox.error && rows.length === 0 ? (
          <Empty title={t("inbox.none")} icon={<InboxIcon aria-hidden="true" />}>
            {t("inbox.noneHint")}
          </Empty>
        ) : null}
      </div>
    </>
  );
}

const Waiting = ({ lines }: { lines: number }) => (
  <div className={styles.waiting}>
    {Array.from({ length: lines }, (_, line) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: lines are all alike
      <Skeleton key={line} lines={2} width={line % 2 ? "72%" : "88%"} />
    ))}
  </div>
);
