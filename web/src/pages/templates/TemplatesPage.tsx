import { useNavigate } from "@tanstack/react-router";
import { PenLine, Plus } from "lucide-react";
import { useCallback, useState } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../api/problem";
import { Button, LinkButton } from "../../components/Button";
import { DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { Checkbox, Select } from "../../components/Field";
import { PageHeader } from "../../components/PageHeader";
import { SearchField } from "../../components/SearchField";
import { CHANNELS } from "../../components/Status";
import { mayAuthor } from "../../session/permissions";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { templateColumns } from "./columns";
import { NewTemplate } from "./NewTemplate";
import { StarterSet } from "./starter/StarterSet";
import styles from "./TemplatesPage.module.css";
import { stateOf, type TemplateRow, TemplatesQuery } from "./TemplatesQuery";
import { STATES, templatesUrl } from "./templatesUrl";

export function TemplatesPage() {
  const [url, setUrl] = useUrlState(templatesUrl);
  const [isNew, setIsNew] = useState(false);
  const navigate = useNavigate();
  const writes = mayAuthor(useViewer());
  const [{ data, error, fetching }, read] = useQuery({
    query: TemplatesQuery,
    variables: { search: url.search.trim() || null, archived: url.archived, kind: url.kind ?? null },
  });
  const again = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  const rows = (data?.templates ?? []).filter(
    (row) =>
      (!url.channel || row.contents.some((content) => content.channel === url.channel)) &&
      (!url.state || stateOf(row) === url.state),
  );
  const open = useCallback(
    (row: TemplateRow) => navigate({ to: "/templates/$code", params: { code: row.code } }),
    [navigate],
  );
  const isFiltered = Boolean(url.search || url.channel || url.state || url.kind || url.archived);

  return (
    <div className={styles.page}>
      <PageHeader
        title={t("nav.templates")}
        actions={
          writes ? (
            <Button kind="primary" icon={<Plus aria-hidden="true" />} onClick={() => setIsNew(true)}>
              {t("templates.new")}
            </Button>
          ) : null
        }
      />
      <div className={styles.filters}>
        <div className={styles.search}>
          <SearchField
            label={t("templates.search")}
            placeholder={t("templates.searchHint")}
            value={url.search}
            onChange={(search) => setUrl({ search })}
          />
        </div>
        <Select
          label={t("templates.channel")}
          isLabelHidden
          value={url.channel ?? ""}
          options={[
            { value: "", label: t("templates.anyChannel") },
            ...CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) })),
          ]}
          onChange={(channel) => setUrl({ channel: channel || undefined })}
        />
        <Select
          label={t("templates.state")}
          isLabelHidden
          value={url.state ?? ""}
          options={[
            { value: "", label: t("templates.anyState") },
            ...STATES.map((state) => ({ value: state, label: t(`templates.states.${state}`) })),
          ]}
          onChange={(state) => setUrl({ state: state || undefined })}
        />
        <Select
          label={t("templates.kind")}
          isLabelHidden
          value={url.kind ?? ""}
          options={[
            { value: "", label: t("templates.anyKind") },
            { value: "MESSAGE", label: t("templates.kinds.MESSAGE") },
            { value: "PARTIAL", label: t("templates.kinds.PARTIAL") },
          ]}
          onChange={(kind) => setUrl({ kind: kind || undefined })}
        />
        <span className={styles.archived}>
          <Checkbox
            label={t("templates.archived")}
            checked={url.archived}
            onChange={(event) => setUrl({ archived: event.target.checked })}
          />
        </span>
      </div>
      <div className={styles.rows}>
        <DataTable
          label={t("nav.templates")}
          columns={templateColumns()}
          rows={rows}
          rowId={(row) => row.code}
          onOpen={open}
          total={rows.length}
          rowHeight={48}
          isLoading={!data && fetching}
          problem={error && problemOf(error)}
          onRetry={again}
          empty={
            isFiltered ? (
              <Empty
                title={t("templates.noneFound")}
                action={<LinkButton to="/templates">{t("templates.showAll")}</LinkButton>}
              />
            ) : (
              <Empty
                title={t("templates.none")}
                icon={<PenLine aria-hidden="true" />}
                action={writes ? <StarterSet onAdded={again} /> : null}
              >
                {t("templates.noneHint")}
              </Empty>
            )
          }
        />
      </div>
      {isNew ? <NewTemplate onClose={() => setIsNew(false)} /> : null}
    </div>
  );
}
