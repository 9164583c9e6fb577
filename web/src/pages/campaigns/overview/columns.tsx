import { Link } from "@tanstack/react-router";
import { Repeat } from "lucide-react";
import { uuidOf } from "../../../api/ids";
import type { Column } from "../../../components/DataTable";
import { ChannelIcon } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { number, percent } from "../../../texts/format";
import { CampaignStatus } from "../parts/CampaignStatus";
import { campaignName } from "../parts/names";
import { type CampaignRow, channelsOf, momentOf } from "./CampaignsQuery";
import styles from "./columns.module.css";

type Totals = CampaignRow["metrics"]["totals"][number];

const sum = (row: CampaignRow, of: (totals: Totals) => number): number =>
  row.metrics.totals.reduce((total, one) => total + of(one), 0);

/** A part of what arrived; nothing before anything did. */
function share(row: CampaignRow, of: (totals: Totals) => number) {
  const arrived = sum(row, (one) => one.arrived);
  return arrived === 0 ? <span className={styles.none}>–</span> : percent(sum(row, of) / arrived);
}

export const columns = (): Column<CampaignRow>[] => [
  {
    id: "name",
    header: t("campaigns.column.name"),
    width: "minmax(150px, 2.4fr)",
    cell: (row) => (
      <Link
        to="/campaigns/$campaignId"
        params={{ campaignId: uuidOf(row.id) }}
        className={styles.name}
        title={campaignName(row)}
        tabIndex={-1}
      >
        <bdi>{campaignName(row)}</bdi>
        {row.plan?.start.cron ? <Repeat aria-label={t("campaigns.recurring")} /> : null}
      </Link>
    ),
  },
  {
    id: "state",
    header: t("campaigns.column.state"),
    width: "148px",
    cell: (row) => <CampaignStatus state={row.state} />,
  },
  {
    id: "channels",
    header: t("campaigns.column.channels"),
    width: "100px",
    isWide: true,
    cell: (row) => (
      <span
        className={styles.channels}
        title={channelsOf(row)
          .map((one) => t(`channel.${one}`))
          .join(", ")}
      >
        {channelsOf(row).map((one) => (
          <span key={one} role="img" aria-label={t(`channel.${one}`)}>
            <ChannelIcon channel={one} />
          </span>
        ))}
      </span>
    ),
  },
  {
    id: "when",
    header: t("campaigns.column.when"),
    width: "132px",
    isWide: true,
    cell: (row) => (row.state === "DRAFT" ? <span className={styles.none}>–</span> : <Time at={momentOf(row)} />),
  },
  {
    id: "audience",
    header: t("campaigns.column.audience"),
    width: "96px",
    isWide: true,
    isFigure: true,
    cell: (row) =>
      row.progress.recipients === 0 ? <span className={styles.none}>–</span> : number(row.progress.recipients),
  },
  {
    id: "sent",
    header: t("campaigns.column.sent"),
    width: "88px",
    isWide: true,
    isFigure: true,
    cell: (row) => number(sum(row, (one) => one.sent)),
  },
  {
    id: "opened",
    header: t("campaigns.column.opened"),
    width: "88px",
    isWide: true,
    isFigure: true,
    cell: (row) => share(row, (one) => one.opens.uniqueHuman),
  },
  {
    id: "clicked",
    header: t("campaigns.column.clicked"),
    width: "88px",
    isWide: true,
    isFigure: true,
    cell: (row) => share(row, (one) => one.clicks.uniqueHuman),
  },
];
