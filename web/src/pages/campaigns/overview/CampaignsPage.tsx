import { useNavigate } from "@tanstack/react-router";
import { CalendarDays, History, List, Megaphone, Plus } from "lucide-react";
import { useEffect, useMemo } from "react";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { usePages } from "../../../api/usePages";
import { LinkButton } from "../../../components/Button";
import { DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { Select } from "../../../components/Field";
import { PageHeader } from "../../../components/PageHeader";
import { SearchField } from "../../../components/SearchField";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { STATES } from "../parts/CampaignStatus";
import { campaignName } from "../parts/names";
import { Calendar } from "./Calendar";
import styles from "./CampaignsPage.module.css";
import { CampaignsQuery } from "./CampaignsQuery";
import { campaignsUrl } from "./campaignsUrl";
import { columns } from "./columns";

export function CampaignsPage() {
  const viewer = useViewer();
  const navigate = useNavigate();
  const [url, setUrl] = useUrlState(campaignsUrl);
  const pages = usePages(CampaignsQuery, {}, { connection: (data) => data.campaigns, size: 100 });
  const { rows, hasMore, isLoadingMore, loadMore } = pages;
  const search = url.search.trim().toLocaleLowerCase();
  const isFiltered = search !== "" || url.state !== undefined;
  // The API has no filter for campaigns: to look among all of them, all are read.
  const readsAll = isFiltered || url.view === "calendar";
  useEffect(() => {
    if (readsAll && hasMore && !isLoadingMore) loadMore();
  }, [readsAll, hasMore, isLoadingMore, loadMore]);
  const shown = useMemo(
    () =>
      rows.filter(
        (one) =>
          (!url.state || one.state === url.state) &&
          (search === "" || campaignName(one).toLocaleLowerCase().includes(search)),
      ),
    [rows, url.state, search],
  );
  const views = [
    { view: "table", icon: <List aria-hidden="true" /> },
    { view: "calendar", icon: <CalendarDays aria-hidden="true" /> },
  ] as const;

  return (
    <div className={styles.page}>
      <PageHeader
        title={t("nav.campaigns")}
        actions={
          mayAuthor(viewer) ? (
            <>
              <LinkButton to="/campaigns/back-test" icon={<History />}>
                {t("backTest.title")}
              </LinkButton>
              <LinkButton to="/campaigns/new" kind="primary" icon={<Plus />}>
                {t("campaigns.new")}
              </LinkButton>
            </>
          ) : null
        }
      />
      <div className={styles.bar}>
        <div className={styles.search}>
          <SearchField
            label={t("campaigns.search")}
            value={url.search}
            onChange={(words) => setUrl({ search: words })}
          />
        </div>
        <Select
          label={t("campaigns.column.state")}
          isLabelHidden
          value={url.state ?? ""}
          options={[
            { value: "", label: t("campaigns.anyState") },
            ...STATES.map((state) => ({ value: state, label: t(`campaigns.state.${state}`) })),
          ]}
          onChange={(state) => setUrl({ state: state || undefined })}
        />
        <div className={styles.views} role="group" aria-label={t("campaigns.view")}>
          {views.map(({ view, icon }) => (
            <button key={view} type="button" aria-pressed={url.view === view} onClick={() => setUrl({ view })}>
              {icon}
              {t(`campaigns.views.${view}`)}
            </button>
          ))}
        </div>
      </div>
      {url.view === "calendar" ? (
        <Calendar campaigns={shown} month={url.month} onMonth={(month) => setUrl({ month })} />
      ) : (
        <div className={styles.rows}>
          <DataTable
            label={t("nav.campaigns")}
            columns={columns()}
            rows={shown}
            rowId={(row) => row.id}
            onOpen={(row) => navigate({ to: "/campaigns/$campaignId", params: { campaignId: uuidOf(row.id) } })}
            total={isFiltered ? shown.length : pages.total?.count}
            isLoading={pages.isLoading}
            isLoadingMore={isLoadingMore}
            hasMore={hasMore}
            onMore={loadMore}
            problem={pages.error && problemOf(pages.error)}
            onRetry={pages.reload}
            empty={
              isFiltered ? (
                <Empty
                  title={t("campaigns.noneFound")}
                  action={<LinkButton to="/campaigns">{t("filter.clear")}</LinkButton>}
                />
              ) : (
                <Empty
                  title={t("campaigns.none")}
                  icon={<Megaphone aria-hidden="true" />}
                  action={
                    <LinkButton to="/campaigns/new" kind="primary">
                      {t("campaigns.new")}
                    </LinkButton>
                  }
                >
                  {t("campaigns.noneHint")}
                </Empty>
              )
            }
          />
        </div>
      )}
    </div>
  );
}
