import { Link } from "@tanstack/react-router";
import { CHANNELS, type Channel, ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import { totalsOf } from "./series";
import styles from "./Traffic.module.css";
import type { TrafficPoint } from "./TrafficQuery";
import { MEASURES, messagesOf } from "./trafficUrl";

interface TrafficTableProps {
  points: readonly TrafficPoint[];
  since: Date;
  until: Date;
}

/** The period's sums by channel, each with its messages behind it. */
export function TrafficTable({ points, since, until }: TrafficTableProps) {
  const used = CHANNELS.filter((channel) => points.some((point) => point.channel === channel));
  if (used.length === 0) return <p className={styles.none}>{t("traffic.none")}</p>;
  const row = (channel: Channel | undefined) => {
    const totals = totalsOf(points, channel);
    return MEASURES.map((measure) => (
      <td key={measure}>
        {totals[measure] === 0 ? (
          <span className={styles.zero}>0</span>
        ) : (
          <Link to="/messages" search={messagesOf(measure, channel ? [channel] : used, since, until)}>
            {number(totals[measure])}
          </Link>
        )}
      </td>
    ));
  };
  return (
    <section className={styles.scroll} aria-label={t("traffic.sums")} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t("messages.column.channel")}</th>
            {MEASURES.map((measure) => (
              <th key={measure} scope="col">
                {t(`traffic.measure.${measure}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {used.map((channel) => (
            <tr key={channel}>
              <th scope="row">
                <ChannelName channel={channel} />
              </th>
              {row(channel)}
            </tr>
          ))}
        </tbody>
        {used.length > 1 ? (
          <tfoot>
            <tr>
              <th scope="row">{t("policy.allChannels")}</th>
              {row(undefined)}
            </tr>
          </tfoot>
        ) : null}
      </table>
    </section>
  );
}
