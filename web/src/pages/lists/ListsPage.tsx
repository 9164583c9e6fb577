import { useNavigate } from "@tanstack/react-router";
import { ClipboardList, Plus } from "lucide-react";
import { useCallback, useEffect, useMemo } from "react";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { usePages } from "../../api/usePages";
import { LinkButton } from "../../components/Button";
import { DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { Select } from "../../components/Field";
import { PageHeader } from "../../components/PageHeader";
import { SearchField } from "../../components/SearchField";
import { mayAuthor } from "../../session/permissions";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { listColumns } from "./columns";
import styles from "./ListsPage.module.css";
import { type ListRow, ListsGrowthQuery, ListsQuery } from "./ListsQuery";
import { listsUrl } from "./listsUrl";

/** Of so many lists the growth is read at a time: who leaves the page leaves little work to the server. */
const AT_A_TIME = 5;

export function ListsPage() {
  const [url, setUrl] = useUrlState(listsUrl);
  const navigate = useNavigate();
  const writes = mayAuthor(useViewer());
  const pages = usePages(ListsQuery, {}, { connection: (data) => data.lists });
  const growth = usePages(ListsGrowthQuery, {}, { connection: (data) => data.lists, size: AT_A_TIME });
  const columns = useMemo(() => listColumns(new Map(growth.rows.map((row) => [row.id, row.growth]))), [growth.rows]);
  const error = pages.error ?? growth.error;
  const reload = () => {
    pages.reload();
    growth.reload();
  };
  // The growth of as many lists as are read.
  const { hasMore, isLoadingMore, loadMore } = growth;
  useEffect(() => {
    if (hasMore && !isLoadingMore && growth.rows.length < pages.rows.length) loadMore();
  }, [hasMore, isLoadingMore, loadMore, growth.rows.length, pages.rows.length]);
  const words = url.search.trim().toLocaleLowerCase();
  const shown = useMemo(
    () =>
      pages.rows.filter((row) => (!url.kind || row.kind === url.kind) && row.name.toLocaleLowerCase().includes(words)),
    [pages.rows, url.kind, words],
  );
  const open = useCallback(
    (row: ListRow) => navigate({ to: "/lists/$listId", params: { listId: uuidOf(row.id) } }),
    [navigate],
  );
  const isFiltered = words !== "" || url.kind !== undefined;

  return (
    <div className={styles.page}>
      <PageHeader
        title={t("nav.lists")}
        actions={
          writes ? (
            <LinkButton to="/lists/new" kind="primary" icon={<Plus aria-hidden="true" />}>
              {t("lists.new")}
            </LinkButton>
          ) : null
        }
      />
      <div className={styles.filters}>
        <div className={styles.search}>
          <SearchField label={t("lists.search")} value={url.search} onChange={(search) => setUrl({ search })} />
        </div>
        <Select
          label={t("lists.kind")}
          isLabelHidden
          value={url.kind ?? ""}
          options={[
            { value: "", label: t("lists.anyKind") },
            { value: "SMART", label: t("lists.kinds.SMART") },
            { value: "STATIC", label: t("lists.kinds.STATIC") },
          ]}
          onChange={(kind) => setUrl({ kind: kind || undefined })}
        />
      </div>
      <div className={styles.rows}>
        <DataTable
          label={t("nav.lists")}
          columns={columns}
          rows={shown}
          rowId={(row) => row.id}
          onOpen={open}
          total={isFiltered ? shown.length : pages.total?.count}
          isLoading={pages.isLoading}
          isLoadingMore={pages.isLoadingMore}
          hasMore={pages.hasMore}
          onMore={pages.loadMore}
          problem={error && problemOf(error)}
          onRetry={reload}
          empty={
            isFiltered ? (
              <Empty title={t("lists.noneFound")} action={<LinkButton to="/lists">{t("lists.showAll")}</LinkButton>} />
            ) : (
              <Empty
                title={t("lists.none")}
                icon={<ClipboardList aria-hidden="true" />}
                action={
                  writes ? (
                    <LinkButton to="/lists/new" kind="primary">
                      {t("lists.new")}
                    </LinkButton>
                  ) : null
                }
              >
                {t("lists.noneHint")}
              </Empty>
            )
          }
        />
      </div>
    </div>
  );
}
