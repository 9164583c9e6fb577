import { Link, useNavigate } from "@tanstack/react-router";
import { CircleHelp, Users, X } from "lucide-react";
import { useEffect, useRef } from "react";
import { graphql, type ResultOf } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { usePages } from "../../../api/usePages";
import { IconButton } from "../../../components/Button";
import { type Column, DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { Person } from "../../../components/Person";
import { Time } from "../../../components/Time";
import { toast } from "../../../components/Toast";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";
import { RemoveListMembers } from "./memberMutations";
import styles from "./Rows.module.css";

const MembersQuery = graphql(`
  query ListMembers($id: ID!, $after: String, $before: String, $first: Int, $last: Int) {
    list(id: $id) {
      id
      members(after: $after, before: $before, first: $first, last: $last) {
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        nodes {
          customerId
          enteredAt
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

type Row = NonNullable<ResultOf<typeof MembersQuery>["list"]>["members"]["nodes"][number];

interface MembersProps {
  list: ShownList;
  /** Grows with each change of the members. */
  changes: number;
  onChanged: () => void;
}

export function Members({ list, changes, onChanged }: MembersProps) {
  const navigate = useNavigate();
  const writes = mayAuthor(useViewer()) && list.kind === "STATIC";
  const pages = usePages(MembersQuery, { id: list.id }, { connection: (data) => data.list?.members });
  const { run, running } = useAction(RemoveListMembers);
  useReload(changes, pages.reload);
  const remove = async (row: Row) => {
    const data = await run({ listId: list.id, customerIds: [row.customerId] });
    if (data) onChanged();
    else toast(t("lists.notRemoved"), { isProblem: true });
  };
  return (
    <DataTable
      label={t("lists.tab.members")}
      columns={columns(list, writes && !running ? remove : undefined)}
      rows={pages.rows}
      rowId={(row) => row.customerId}
      onOpen={(row) => navigate({ to: "/customers/$customerId", params: { customerId: uuidOf(row.customerId) } })}
      total={list.memberCount}
      isLoading={pages.isLoading}
      isLoadingMore={pages.isLoadingMore}
      hasMore={pages.hasMore}
      onMore={pages.loadMore}
      problem={pages.error && problemOf(pages.error)}
      onRetry={pages.reload}
      empty={
        <Empty title={t("lists.noMembers")} icon={<Users aria-hidden="true" />}>
          {t(list.kind === "SMART" ? "lists.noMembersSmart" : "lists.noMembersStatic")}
        </Empty>
      }
    />
  );
}

/** Reads the rows again after each change, but not the first time. */
export function useReload(changes: number, reload: () => void) {
  const seen = useRef(changes);
  useEffect(() => {
    if (seen.current === changes) return;
    seen.current = changes;
    reload();
  }, [changes, reload]);
}

function columns(list: ShownList, onRemove?: (row: Row) => void): Column<Row>[] {
  return [
    {
      id: "name",
      header: t("customers.column.name"),
      width: "minmax(112px, 1.6fr)",
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
    { id: "since", header: t("lists.since"), width: "124px", cell: (row) => <Time at={row.enteredAt} /> },
    {
      id: "cause",
      header: t("lists.cause"),
      width: "minmax(160px, 1fr)",
      isWide: true,
      cell: (row) => <Cause row={row} />,
    },
    {
      id: "actions",
      header: "",
      width: onRemove ? "84px" : "52px",
      isFigure: true,
      cell: (row) => (
        <span className={styles.actions}>
          <Link
            to="/lists/$listId"
            params={{ listId: uuidOf(list.id) }}
            search={{ tab: "explain", customer: uuidOf(row.customerId) }}
            className={styles.why}
            aria-label={t("lists.whyOne", { name: row.customer?.name ?? t("customers.nameless") })}
            title={t("lists.why")}
          >
            <CircleHelp aria-hidden="true" />
          </Link>
          {onRemove ? (
            <IconButton
              label={t("lists.removeOne", { name: row.customer?.name ?? t("customers.nameless") })}
              icon={<X />}
              onClick={() => onRemove(row)}
            />
          ) : null}
        </span>
      ),
    },
  ];
}

/** Why somebody entered or left; with the criteria's version where there are any. */
export function Cause({ row }: { row: Pick<Row, "cause" | "ruleVersion"> }) {
  const cause = t(`lists.causes.${row.cause}`);
  return <span title={cause}>{row.ruleVersion > 0 ? `${cause} · v${row.ruleVersion}` : cause}</span>;
}
