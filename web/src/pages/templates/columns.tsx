import { Link } from "@tanstack/react-router";
import type { Column } from "../../components/DataTable";
import { Badge, CHANNELS, ChannelIcon } from "../../components/Status";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import styles from "./columns.module.css";
import { stateOf, type TemplateRow } from "./TemplatesQuery";

export function templateColumns(): Column<TemplateRow>[] {
  return [
    {
      id: "title",
      header: t("templates.column.title"),
      width: "minmax(160px, 2fr)",
      cell: (row) => (
        <Link to="/templates/$code" params={{ code: row.code }} className={styles.title} tabIndex={-1}>
          <bdi title={row.title}>{row.title}</bdi>
          <code>{row.code}</code>
        </Link>
      ),
    },
    {
      id: "channels",
      header: t("templates.column.channels"),
      width: "minmax(120px, 1.2fr)",
      isWide: true,
      cell: (row) => <Channels row={row} />,
    },
    {
      id: "class",
      header: t("templates.column.class"),
      width: "120px",
      isWide: true,
      cell: (row) => t(row.kind === "PARTIAL" ? "templates.kindOne.PARTIAL" : `templates.classes.${row.class}`),
    },
    {
      id: "state",
      header: t("templates.column.state"),
      width: "156px",
      cell: (row) => <StateBadge row={row} />,
    },
    {
      id: "changed",
      header: t("templates.column.changed"),
      width: "136px",
      isWide: true,
      cell: (row) => <Time at={row.changedAt} />,
    },
  ];
}

/** Each channel with the locales that there are texts in. */
function Channels({ row }: { row: TemplateRow }) {
  return (
    <span className={styles.channels}>
      {CHANNELS.filter((channel) => row.contents.some((content) => content.channel === channel)).map((channel) => {
        const locales = row.contents.filter((content) => content.channel === channel).map((content) => content.locale);
        return (
          <span key={channel} title={`${t(`channel.${channel}`)}: ${locales.join(", ")}`}>
            <ChannelIcon channel={channel} />
            <span className="hidden-visually">{t(`channel.${channel}`)}</span> {locales.join(" ")}
          </span>
        );
      })}
    </span>
  );
}

const TONES = { DRAFT: "neutral", CHANGED: "warn", PUBLISHED: "good" } as const;

export function StateBadge({ row }: { row: Parameters<typeof stateOf>[0] & { archived: boolean } }) {
  if (row.archived) return <Badge>{t("templates.archivedOne")}</Badge>;
  const state = stateOf(row);
  return (
    <Badge tone={TONES[state]} title={t(`templates.stateHint.${state}`)}>
      {t(`templates.states.${state}`)}
      {row.version === null ? "" : ` · v${row.version}`}
    </Badge>
  );
}
