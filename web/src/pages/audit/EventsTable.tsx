import { Link, useNavigate } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import type { ReactNode } from "react";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { useChanges } from "../../api/useChanges";
import { usePages } from "../../api/usePages";
import { type Column, DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { t } from "../../texts";
import { moment, number } from "../../texts/format";
import { type EventFilter, type EventRow, EventsQuery, newestFirst } from "./EventsQuery";
import styles from "./EventsTable.module.css";

interface EventsTableProps {
  label: string;
  filter: EventFilter;
  columns?: readonly Column<EventRow>[];
  isLive?: boolean;
  empty: ReactNode;
}

/** The read models that follow every event: when one of them moves, the log has grown. */
const WITNESSES = ["timeline", "customers", "messages", "tenants", "imports", "provider_accounts"];

/** Events of the log, newest first. */
export function EventsTable({ label, filter, columns = usualColumns(), isLive = false, empty }: EventsTableProps) {
  const navigate = useNavigate();
  const pages = usePages(EventsQuery, { filter }, { connection: newestFirst });
  const { rows, hasMore, loadNewer } = pages;
  useChanges(WITNESSES, () => {
    if (isLive) loadNewer();
  });
  return (
    <>
      <DataTable
        label={label}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        onOpen={(row) => navigate({ to: "/audit/events/$eventId", params: { eventId: uuidOf(row.id) } })}
        rowHeight={36}
        isLoading={pages.isLoading}
        isLoadingMore={pages.isLoadingMore}
        hasMore={hasMore}
        onMore={pages.loadMore}
        problem={pages.error && problemOf(pages.error)}
        onRetry={pages.reload}
        // A filter is applied while the log is read: a part of it may hold nothing, although more follow.
        empty={hasMore ? <Empty title={t("audit.searching")} /> : empty}
      />
      <span className="hidden-visually" aria-live="polite">
        {rows.length > 0 ? t("common.rowsLoaded", { rows: number(rows.length) }) : ""}
      </span>
    </>
  );
}

export const timeColumn = (): Column<EventRow> => ({
  id: "at",
  header: t("audit.column.at"),
  width: "168px",
  cell: ({ recordedAt }) => (
    <time dateTime={recordedAt} className={styles.at}>
      {moment(recordedAt)}
    </time>
  ),
});

export const actorColumn = (): Column<EventRow> => ({
  id: "actor",
  header: t("audit.column.actor"),
  width: "minmax(140px, 1fr)",
  isWide: true,
  cell: ({ actor, author }) => <bdi title={actor}>{author.name ?? actor}</bdi>,
});

const usualColumns = (): Column<EventRow>[] => [
  timeColumn(),
  {
    id: "type",
    header: t("audit.column.type"),
    width: "minmax(150px, 1.2fr)",
    cell: (row) => (
      <Link
        to="/audit/events/$eventId"
        params={{ eventId: uuidOf(row.id) }}
        className={styles.type}
        tabIndex={-1}
        title={row.type}
      >
        {row.type}
        {row.personalPart === "NONE" ? null : <Lock aria-label={t(`audit.personal.${row.personalPart}`)} />}
      </Link>
    ),
  },
  {
    id: "stream",
    header: t("audit.column.stream"),
    width: "minmax(160px, 1.2fr)",
    isWide: true,
    cell: ({ stream, version }) => (
      <span title={`${stream} @${version}`}>
        {stream.slice(0, stream.indexOf("-"))} <code className={styles.key}>…{stream.slice(-8)}</code> @{version}
      </span>
    ),
  },
  actorColumn(),
];
