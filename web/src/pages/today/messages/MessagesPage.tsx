import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue } from "react";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useChanges } from "../../../api/useChanges";
import { usePages } from "../../../api/usePages";
import { LinkButton } from "../../../components/Button";
import { DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { PageHeader } from "../../../components/PageHeader";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { columns } from "./columns";
import { MessagesFilters } from "./MessagesFilters";
import styles from "./MessagesPage.module.css";
import { MessagesQuery } from "./MessagesQuery";
import { filterOf, messagesUrl } from "./messagesUrl";

/** The messages of all customers, newest first. */
export function MessagesPage() {
  const navigate = useNavigate();
  const [url, setUrl] = useUrlState(messagesUrl);
  const filter = filterOf(useDeferredValue(url));
  const pages = usePages(MessagesQuery, { filter }, { connection: (data) => data.messages });
  useChanges(["messages"], pages.loadNewer);
  return (
    <div className={styles.page}>
      <PageHeader title={t("messages.title")} />
      <MessagesFilters url={url} setUrl={setUrl} />
      <p className={styles.count} role="status">
        {pages.total
          ? t(pages.total.isExact ? "messages.count" : "messages.countAtLeast", { count: pages.total.count })
          : "\u00a0"}
      </p>
      <div className={styles.rows}>
        <DataTable
          label={t("messages.title")}
          columns={columns()}
          rows={pages.rows}
          rowId={(row) => row.id}
          onOpen={(row) => navigate({ to: "/messages/$messageId", params: { messageId: uuidOf(row.id) } })}
          total={pages.total?.count}
          isLoading={pages.isLoading}
          isLoadingMore={pages.isLoadingMore}
          hasMore={pages.hasMore}
          onMore={pages.loadMore}
          problem={pages.error && problemOf(pages.error)}
          onRetry={pages.reload}
          empty={
            <Empty title={t("messages.none")} action={<LinkButton to="/messages">{t("messages.all")}</LinkButton>}>
              {t("messages.noneHint")}
            </Empty>
          }
        />
      </div>
    </div>
  );
}
