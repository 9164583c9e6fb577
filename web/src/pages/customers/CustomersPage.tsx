import { useNavigate } from "@tanstack/react-router";
import { Columns3, Users } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { useQuery } from "urql";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { usePages } from "../../api/usePages";
import { Button, LinkButton } from "../../components/Button";
import { DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { Menu } from "../../components/Menu";
import { PageHeader } from "../../components/PageHeader";
import { mayEdit } from "../../session/permissions";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { number } from "../../texts/format";
import { useUrlState } from "../../url/useUrlState";
import { BulkBar } from "./bulk/BulkBar";
import { CustomersFilters } from "./CustomersFilters";
import styles from "./CustomersPage.module.css";
import { type CustomerRow, CustomersCountQuery, CustomersQuery } from "./CustomersQuery";
import { columnsFor } from "./columns";
import { COLUMNS, customersUrl, filterOf } from "./customersUrl";
import { ViewsMenu } from "./views/ViewsMenu";

export function CustomersPage() {
  const navigate = useNavigate();
  const [url, setUrl] = useUrlState(customersUrl);
  // The field takes each letter at once; the rows follow.
  const asked = useDeferredValue(url);
  const filter = filterOf(asked);
  const pages = usePages(CustomersQuery, { filter, orderBy: asked.order }, { connection: (data) => data.customers });
  // After the rows, so that of a word only the letters are counted at which somebody stays.
  const [counted, countAgain] = useQuery({
    query: CustomersCountQuery,
    variables: { filter },
    pause: pages.isLoading,
  });
  // Until others are counted, the number that is known is that of the former filter.
  const total = pages.isLoading || counted.fetching ? undefined : counted.data?.customers;
  const error = pages.error ?? counted.error;
  const reload = () => {
    pages.reload();
    countAgain({ requestPolicy: "network-only" });
  };
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const edits = mayEdit(useViewer());
  const selection = {
    ids: selected,
    onChange: setSelected,
    labelOf: (row: CustomerRow) => t("customers.select", { name: row.name ?? t("customers.nameless") }),
    labelOfAll: t("customers.selectAll"),
  };
  const columns = useMemo(() => columnsFor(url.columns), [url.columns]);
  const isFiltered = Object.values(filterOf(url)).some((value) => value !== undefined);
  const open = (row: CustomerRow) => navigate({ to: "/customers/$customerId", params: { customerId: uuidOf(row.id) } });

  return (
    <div className={styles.page}>
      <PageHeader
        title={t("nav.customers")}
        actions={
          <>
            <ViewsMenu url={url} />
            <Menu
              trigger={<Button icon={<Columns3 />}>{t("customers.columns")}</Button>}
              groups={[
                COLUMNS.map((name) => ({
                  label: t(`customers.column.${name}`),
                  checked: url.columns.includes(name),
                  onSelect: () =>
                    setUrl({ columns: COLUMNS.filter((one) => (one === name) !== url.columns.includes(one)) }),
                })),
              ]}
            />
          </>
        }
      />
      <CustomersFilters url={url} setUrl={setUrl} />
      <p className={styles.count} role="status">
        {total
          ? t(total.totalCountIsExact ? "customers.count" : "customers.countAtLeast", { count: total.totalCount })
          : "\u00a0"}
      </p>
      <div className={styles.rows}>
        <DataTable
          label={t("nav.customers")}
          columns={columns}
          rows={pages.rows}
          rowId={(row) => row.id}
          onOpen={open}
          total={total?.totalCount}
          isLoading={pages.isLoading}
          isLoadingMore={pages.isLoadingMore}
          hasMore={pages.hasMore}
          onMore={pages.loadMore}
          problem={error && problemOf(error)}
          onRetry={reload}
          selection={edits ? selection : undefined}
          empty={
            isFiltered ? (
              <Empty
                title={t("customers.noneFound")}
                action={<LinkButton to="/customers">{t("customers.clearFilters")}</LinkButton>}
              >
                {t("customers.noneFoundHint")}
              </Empty>
            ) : (
              <Empty
                title={t("customers.none")}
                icon={<Users aria-hidden="true" />}
                action={
                  <LinkButton to="/imports" kind="primary">
                    {t("nav.imports")}
                  </LinkButton>
                }
              >
                {t("customers.noneHint")}
              </Empty>
            )
          }
        />
      </div>
      <BulkBar ids={[...selected]} onClear={() => setSelected(new Set())} />
      <span className="hidden-visually" aria-live="polite">
        {pages.rows.length > 0 ? t("common.rowsLoaded", { rows: number(pages.rows.length) }) : ""}
      </span>
    </div>
  );
}
