import { Link, useNavigate } from "@tanstack/react-router";
import { FileInput } from "lucide-react";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { useChanges } from "../../api/useChanges";
import { usePages } from "../../api/usePages";
import { type Column, DataTable } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { number } from "../../texts/format";
import { ImportState } from "./ImportState";
import styles from "./Imports.module.css";
import { ImportsFrame, newImportButton } from "./ImportsFrame";
import { type ImportRow, ImportsQuery } from "./ImportsQuery";

/** The files that were imported. */
export function ImportsPage() {
  const navigate = useNavigate();
  const pages = usePages(ImportsQuery, {}, { connection: (data) => data.imports });
  useChanges(["imports"], pages.reload);
  return (
    <ImportsFrame section="imports">
      <div className={styles.rows}>
        <DataTable
          label={t("imports.section.imports")}
          columns={columns()}
          rows={pages.rows}
          rowId={(row) => row.id}
          onOpen={(row) => navigate({ to: "/imports/$importId", params: { importId: uuidOf(row.id) } })}
          total={pages.total?.count}
          isLoading={pages.isLoading}
          isLoadingMore={pages.isLoadingMore}
          hasMore={pages.hasMore}
          onMore={pages.loadMore}
          problem={pages.error && problemOf(pages.error)}
          onRetry={pages.reload}
          empty={
            <Empty title={t("imports.none")} icon={<FileInput aria-hidden="true" />} action={newImportButton()}>
              {t("imports.noneHint")}
            </Empty>
          }
        />
      </div>
    </ImportsFrame>
  );
}

const figure = (value: number | null) => (value === null ? "" : number(value));

const columns = (): Column<ImportRow>[] => [
  {
    id: "file",
    header: t("imports.column.file"),
    width: "minmax(150px, 1.6fr)",
    cell: (row) => (
      <Link to="/imports/$importId" params={{ importId: uuidOf(row.id) }} className={styles.file} tabIndex={-1}>
        <bdi title={row.fileName ?? undefined}>{row.fileName ?? t("imports.nameless")}</bdi>
      </Link>
    ),
  },
  {
    id: "kind",
    header: t("imports.column.kind"),
    width: "140px",
    isWide: true,
    cell: (row) => t(`imports.kind.${row.kind}`),
  },
  { id: "state", header: t("imports.column.state"), width: "112px", cell: (row) => <ImportState state={row.state} /> },
  {
    id: "lines",
    header: t("imports.column.lines"),
    width: "96px",
    isWide: true,
    isFigure: true,
    cell: (row) => figure(row.lines),
  },
  {
    id: "refused",
    header: t("imports.column.refused"),
    width: "96px",
    isWide: true,
    isFigure: true,
    cell: (row) => (row.refused ? <strong className={styles.bad}>{number(row.refused)}</strong> : figure(row.refused)),
  },
  {
    id: "appended",
    header: t("imports.column.appended"),
    width: "112px",
    isWide: true,
    isFigure: true,
    cell: (row) => figure(row.appended),
  },
  {
    id: "author",
    header: t("imports.column.author"),
    width: "minmax(100px, 0.8fr)",
    isWide: true,
    cell: ({ author }) => <bdi title={author.actor}>{author.name ?? author.actor}</bdi>,
  },
  {
    id: "started",
    header: t("imports.column.started"),
    width: "136px",
    isWide: true,
    cell: (row) => <Time at={row.startedAt} />,
  },
];
