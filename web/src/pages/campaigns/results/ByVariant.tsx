import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { number, percent } from "../../../texts/format";
import { FiguresTable } from "../parts/FiguresTable";
import { variantName } from "../parts/names";
import styles from "./ByVariant.module.css";
import type { Totals } from "./TotalsQuery";

const rate = (value: number | null): string => (value === null ? "–" : percent(value));

/** By variant and channel, with the API's rates. */
export function ByVariant({ totals }: { totals: readonly Totals[] }) {
  return (
    <FiguresTable
      label={t("campaign.bys.variant")}
      head={[
        t("campaign.variant"),
        t("campaign.figure.sent"),
        t("campaign.figure.delivered"),
        t("campaign.figure.opened"),
        t("campaign.figure.clicked"),
        t("campaign.figure.clickToOpen"),
        t("campaign.figure.replied"),
        t("campaign.figure.bounced"),
        t("campaign.figure.complained"),
        t("campaign.figure.optedOut"),
      ]}
      rows={totals.map((one) => ({
        id: `${one.variant} ${one.channel}`,
        name: (
          <span className={styles.name}>
            <bdi>{variantName(one.variant)}</bdi>
            <ChannelName channel={one.channel} />
          </span>
        ),
        cells: [
          number(one.sent),
          rate(one.rates.delivery),
          rate(one.rates.open),
          rate(one.rates.click),
          rate(one.rates.clickToOpen),
          rate(one.rates.reply),
          rate(one.rates.bounce),
          rate(one.rates.complaint),
          rate(one.rates.optOut),
        ],
      }))}
      empty={t("campaign.nothingSent")}
    />
  );
}
