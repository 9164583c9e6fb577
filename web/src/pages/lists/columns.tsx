import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../api/ids";
import type { Column } from "../../components/DataTable";
import { Sparkline } from "../../components/Sparkline";
import { Badge } from "../../components/Status";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { number } from "../../texts/format";
import styles from "./columns.module.css";
import type { GrowthRow, ListRow } from "./ListsQuery";
import { sizesByDay } from "./sizes";

const DAYS = 90;

/** The columns; of lists whose growth is not known yet, its place is empty. */
export function listColumns(growthOf: ReadonlyMap<string, GrowthRow["growth"]>): Column<ListRow>[] {
  return [
    {
      id: "name",
      header: t("lists.column.name"),
      width: "minmax(160px, 2fr)",
      cell: (row) => (
        <Link
          to="/lists/$listId"
          params={{ listId: uuidOf(row.id) }}
          className={styles.name}
          title={row.name}
          tabIndex={-1}
        >
          <bdi>{row.name}</bdi>
        </Link>
      ),
    },
    {
      id: "kind",
      header: t("lists.column.kind"),
      width: "96px",
      isWide: true,
      cell: (row) => <KindBadge kind={row.kind} />,
    },
    {
      id: "members",
      header: t("lists.column.members"),
      width: "104px",
      isFigure: true,
      cell: (row) =>
        row.isEvaluating ? <span className={styles.evaluating}>{t("lists.evaluating")}</span> : number(row.memberCount),
    },
    {
      id: "growth",
      header: t("lists.column.growth"),
      width: "128px",
      isWide: true,
      cell: (row) => {
        const growth = growthOf.get(row.id);
        return growth ? <Growth row={row} growth={growth} /> : null;
      },
    },
    {
      id: "usedBy",
      header: t("lists.column.usedBy"),
      width: "96px",
      isWide: true,
      isFigure: true,
      cell: (row) => (row.usedBy.length > 0 ? number(row.usedBy.length) : null),
    },
    {
      id: "changed",
      header: t("lists.column.changed"),
      width: "136px",
      isWide: true,
      cell: (row) => <Time at={row.changedAt} />,
    },
  ];
}

export const KindBadge = ({ kind }: { kind: ListRow["kind"] }) => (
  <Badge tone={kind === "SMART" ? "accent" : "neutral"}>{t(`lists.kinds.${kind}`)}</Badge>
);

function Growth({ row, growth }: { row: ListRow; growth: GrowthRow["growth"] }) {
  const sizes = sizesByDay(growth, row.memberCount, DAYS, new Date()).map((one) => one.size);
  const change = growth.reduce((sum, one) => sum + one.entered - one.left, 0);
  const words = t("lists.growthOf", { change: (change > 0 ? "+" : "") + number(change), days: DAYS });
  return (
    <Link
      to="/lists/$listId"
      params={{ listId: uuidOf(row.id) }}
      search={{ tab: "growth" }}
      className={styles.growth}
      tabIndex={-1}
    >
      <Sparkline values={sizes} label={words} />
    </Link>
  );
}
