import { Link, useNavigate } from "@tanstack/react-router";
import { History } from "lucide-react";
import { graphql, type ResultOf } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { usePages } from "../../../api/usePages";
import { Button } from "../../../components/Button";
import { type Column, DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { Input } from "../../../components/Field";
import { Person } from "../../../components/Person";
import { Badge } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import type { ShownList } from "../ListQuery";
import { dayBegins, listUrl } from "../listsUrl";
import { Cause, useReload } from "./Members";
import styles from "./Rows.module.css";

const ChangesQuery = graphql(`
  query ListChangesBetween(
    $id: ID!
    $since: DateTime
    $until: DateTime
    $after: String
    $before: String
    $first: Int
    $last: Int
  ) {
    list(id: $id) {
      id
      changes(since: $since, until: $until, after: $after, before: $before, first: $first, last: $last) {
        totalCount
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          customerId
          changedAt
          entered
          cause
          ruleVersion
          customer {
            id
            name
            forgottenAt
          }
        }
      }
    }
  }
`);

type Row = NonNullable<ResultOf<typeof ChangesQuery>["list"]>["changes"]["nodes"][number];

/** Who entered or left between two days. */
export function Changes({ list, changes }: { list: ShownList; changes: number }) {
  const [url, setUrl] = useUrlState(listUrl);
  const navigate = useNavigate();
  const pages = usePages(
    ChangesQuery,
    { id: list.id, since: dayBegins(url.since), until: dayBegins(url.until, 1) },
    { connection: (data) => data.list?.changes },
  );
  useReload(changes, pages.reload);
  const isFiltered = url.since !== undefined || url.until !== undefined;
  return (
    <div className={styles.frame}>
      <div className={styles.filters}>
        <Input
          label={t("lists.from")}
          type="date"
          value={url.since ?? ""}
          max={url.until}
          onChange={(event) => setUrl({ since: event.target.value || undefined })}
        />
        <Input
          label={t("lists.to")}
          type="date"
          value={url.until ?? ""}
          min={url.since}
          onChange={(event) => setUrl({ until: event.target.value || undefined })}
        />
        {isFiltered ? (
          <Button kind="quiet" onClick={() => setUrl({ since: undefined, until: undefined })}>
            {t("filter.clear")}
          </Button>
        ) : null}
        <span className={styles.count} role="status">
          {pages.total ? t("lists.changesCount", { count: pages.total.count }) : "\u00a0"}
        </span>
      </div>
      <div className={styles.rows}>
        <DataTable
          label={t("lists.tab.changes")}
          columns={columns()}
          rows={pages.rows}
          rowId={(row) => `${row.customerId} ${row.changedAt} ${row.entered}`}
          onOpen={(row) => navigate({ to: "/customers/$customerId", params: { customerId: uuidOf(row.customerId) } })}
          total={pages.total?.count}
          isLoading={pages.isLoading}
          isLoadingMore={pages.isLoadingMore}
          hasMore={pages.hasMore}
          onMore={pages.loadMore}
          problem={pages.error && problemOf(pages.error)}
          onRetry={pages.reload}
          empty={
            <Empty title={t("lists.noChanges")} icon={<History aria-hidden="true" />}>
              {t(isFiltered ? "lists.noChangesBetween" : "lists.noChangesHint")}
            </Empty>
          }
        />
      </div>
    </div>
  );
}

function columns(): Column<Row>[] {
  return [
    {
      id: "name",
      header: t("customers.column.name"),
      width: "minmax(120px, 1.6fr)",
      cell: ({ customer, customerId }) => (
        <Link
          to="/customers/$customerId"
          params={{ customerId: uuidOf(customerId) }}
          className={styles.name}
          tabIndex={-1}
        >
          <Person name={customer?.name ?? null} isForgotten={customer?.forgottenAt != null} />
        </Link>
      ),
    },
    {
      id: "entered",
      header: t("lists.change"),
      width: "104px",
      cell: (row) => (
        <Badge tone={row.entered ? "good" : "neutral"}>{t(row.entered ? "lists.entered" : "lists.left")}</Badge>
      ),
    },
    { id: "at", header: t("lists.when"), width: "128px", cell: (row) => <Time at={row.changedAt} /> },
    {
      id: "cause",
      header: t("lists.cause"),
      width: "minmax(160px, 1fr)",
      isWide: true,
      cell: (row) => <Cause row={row} />,
    },
  ];
}
