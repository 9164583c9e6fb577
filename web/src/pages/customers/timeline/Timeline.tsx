import { useVirtualizer } from "@tanstack/react-virtual";
import { Clock } from "lucide-react";
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useSubscription } from "urql";
import type { ResultOf } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { usePages } from "../../../api/usePages";
import { Button } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { mayEdit } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { date } from "../../../texts/format";
import { useUrlState } from "../../../url/useUrlState";
import { asOfInput, customerUrl, endOfDay, timelineFilterOf } from "../customerUrl";
import { Entry } from "./Entry";
import { NoteComposer } from "./NoteComposer";
import { PinButton } from "./PinButton";
import styles from "./Timeline.module.css";
import { TimelineFilters } from "./TimelineFilters";
import { TimelineChanges, TimelineQuery } from "./TimelineQuery";

/** A customer's history, newest first, which grows at both ends: older entries by scrolling, new ones live. */
export function Timeline({ customerId }: { customerId: string }) {
  const [url, setUrl] = useUrlState(customerUrl);
  const at = endOfDay(url.at);
  const asOf = asOfInput(url.asOf);
  const viewer = useViewer();
  const isEdited = asOf === undefined && mayEdit(viewer);
  const pages = usePages(
    TimelineQuery,
    { customerId, filter: timelineFilterOf(url), asOf },
    { connection: (data) => data.timeline, start: { at } },
  );
  const { rows, loadNewer } = pages;
  useLive(customerId, rows, pages.isLoading || at !== undefined || asOf !== undefined, loadNewer);

  const scroller = useRef<HTMLDivElement>(null);
  // Another function would have the places of all rows reckoned again, with each frame that is scrolled.
  const getItemKey = useCallback((index: number) => rows[index]?.id ?? index, [rows]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    getItemKey,
    estimateSize: () => 64,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const { hasMore, isLoadingMore, loadMore } = pages;
  useEffect(() => {
    if (hasMore && !isLoadingMore && lastShown >= rows.length - 20) loadMore();
  }, [hasMore, isLoadingMore, lastShown, rows.length, loadMore]);

  return (
    <div className={styles.timeline}>
      <TimelineFilters url={url} setUrl={setUrl} />
      <div
        ref={scroller}
        className={styles.scroll}
        tabIndex={0}
        role="group"
        aria-busy={pages.isLoading}
        aria-label={t("customer.part.timeline")}
      >
        {at === undefined && isEdited ? (
          <NoteComposer customerId={customerId} onAdded={loadNewer} />
        ) : pages.hasNewer ? (
          <div className={styles.newer}>
            <Button onClick={loadNewer}>{t("timeline.newer")}</Button>
            <Button kind="quiet" onClick={() => setUrl({ at: undefined })}>
              {t("timeline.now")}
            </Button>
          </div>
        ) : null}
        {pages.isLoading ? <Waiting /> : null}
        <div className={styles.rows} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={styles.row}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Row customerId={customerId} row={row} above={rows[item.index - 1]} isEdited={isEdited} />
              </div>
            );
          })}
        </div>
        {isLoadingMore ? <Waiting lines={2} /> : null}
        {pages.error ? (
          <div className={styles.failure}>
            <Failure problem={problemOf(pages.error)} onRetry={pages.reload} />
          </div>
        ) : null}
        {!pages.isLoading && !pages.error && rows.length === 0 ? (
          <Empty title={t("timeline.none")} icon={<Clock aria-hidden="true" />}>
            {t("timeline.noneHint")}
          </Empty>
        ) : null}
      </div>
    </div>
  );
}

type TimelineRow = ResultOf<typeof TimelineQuery>["timeline"]["nodes"][number];

interface RowProps {
  customerId: string;
  row: TimelineRow;
  above: TimelineRow | undefined;
  isEdited: boolean;
}

/** An entry, under the day's heading if it is the first of its day. Scrolling draws none again that is in sight already. */
const Row = memo(function Row({ customerId, row, above, isEdited }: RowProps) {
  const day = date(row.occurredAt);
  return (
    <>
      {!above || date(above.occurredAt) !== day ? <h2 className={styles.day}>{day}</h2> : null}
      <Entry entry={row} actions={isEdited ? <PinButton customerId={customerId} entry={row} /> : null} />
    </>
  );
});

/** Reads what is new at the top as soon as the server says that there is something. */
function useLive(customerId: string, rows: { id: string; position: string }[], isPaused: boolean, onNew: () => void) {
  const [after, setAfter] = useState<string>();
  const newest = useMemo(() => newestOf(rows), [rows]);
  // The subscription begins behind what was read first, and goes on by itself.
  useEffect(() => setAfter((begun) => begun ?? newest), [newest]);
  useSubscription(
    { query: TimelineChanges, variables: { customerId, after }, pause: isPaused || after === undefined },
    (_, change) => {
      // Urql calls this while it renders.
      if (!rows.some((row) => row.id === change.timeline.id)) queueMicrotask(onNew);
      return change;
    },
  );
}

const newestOf = (rows: { position: string }[]): string | undefined =>
  rows.reduce<string | undefined>(
    (newest, { position }) => (newest && newest >= position ? newest : position),
    undefined,
  );

function Waiting({ lines = 6 }: { lines?: number }) {
  return (
    <div className={styles.waiting}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are all alike
        <Skeleton key={line} lines={2} width={line % 2 ? "64%" : "80%"} />
      ))}
    </div>
  );
}
