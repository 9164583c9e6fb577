import type { Pages } from "../../../api/PagedQuery";
import { problemOf } from "../../../api/problem";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Json } from "../../../components/Json";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { dateTime, exactly } from "../../../texts/format";
import type { LogEntry } from "../MessageQuery";
import styles from "./LogEntries.module.css";

interface History extends Pages<LogEntry> {
  loadMore: () => void;
  reload: () => void;
}

/** Each entry of the log about the message, with its data as they are. */
export function LogEntries({ history }: { history: History }) {
  return (
    <Panel title={t("message.events")} hint={t("message.eventsHint")}>
      <ol className={styles.entries}>
        {history.rows.map((entry) => (
          <li key={entry.id}>
            <details>
              <summary className={styles.summary}>
                <code>{entry.type}</code>
                <bdi className={styles.actor}>{entry.actor}</bdi>
                <time dateTime={entry.occurredAt} title={exactly(entry.occurredAt)}>
                  {dateTime(entry.occurredAt)}
                </time>
              </summary>
              <Json label={t("message.data", { type: entry.type })} value={entry.data} />
            </details>
          </li>
        ))}
      </ol>
      {history.isLoading ? <Skeleton lines={4} /> : null}
      {history.hasMore ? (
        <Button busy={history.isLoadingMore} onClick={history.loadMore}>
          {t("message.moreEvents")}
        </Button>
      ) : null}
      <Failure problem={history.error && problemOf(history.error)} onRetry={history.reload} />
    </Panel>
  );
}
