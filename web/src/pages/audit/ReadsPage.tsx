import { ShieldCheck } from "lucide-react";
import type { Column } from "../../components/DataTable";
import { Empty } from "../../components/Empty";
import { t } from "../../texts";
import { number } from "../../texts/format";
import { AuditFrame } from "./AuditFrame";
import styles from "./EventsPage.module.css";
import type { EventRow } from "./EventsQuery";
import { actorColumn, EventsTable, timeColumn } from "./EventsTable";

const FILTER = { types: ["PersonalDataRead"] };

/** Who read personal data in bulk, and of whom. */
export function ReadsPage() {
  return (
    <AuditFrame section="reads">
      <p className={styles.hint}>{t("audit.readsHint")}</p>
      <div className={styles.rows}>
        <EventsTable
          label={t("audit.section.reads")}
          filter={FILTER}
          columns={columns()}
          isLive
          empty={
            <Empty title={t("audit.noReads")} icon={<ShieldCheck aria-hidden="true" />}>
              {t("audit.noReadsHint")}
            </Empty>
          }
        />
      </div>
    </AuditFrame>
  );
}

/** The facts of a `PersonalDataRead`, as far as they are what the log's format says. */
function readOf({ data }: EventRow): { what: string; count: string; filter: string } {
  const facts: object = typeof data === "object" && data !== null ? data : {};
  const text = (name: string): string => {
    const value: unknown = Object.getOwnPropertyDescriptor(facts, name)?.value;
    return typeof value === "number" ? number(value) : typeof value === "string" ? value : "";
  };
  return { what: text("what"), count: text("count"), filter: text("filter") };
}

const columns = (): Column<EventRow>[] => [
  timeColumn(),
  { ...actorColumn(), isWide: false },
  { id: "what", header: t("audit.column.what"), width: "120px", isWide: true, cell: (row) => readOf(row).what },
  {
    id: "count",
    header: t("audit.column.count"),
    width: "96px",
    isWide: true,
    isFigure: true,
    cell: (row) => readOf(row).count,
  },
  {
    id: "filter",
    header: t("audit.column.filter"),
    width: "minmax(160px, 2fr)",
    isWide: true,
    cell: (row) => <bdi title={readOf(row).filter}>{readOf(row).filter}</bdi>,
  },
];
