import { Link } from "@tanstack/react-router";
import type { Enum } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { number, percent } from "../../../texts/format";
import { campaignUrl } from "../campaignUrl";
import { FiguresTable } from "../parts/FiguresTable";
import { variantName } from "../parts/names";
import styles from "./ByVariant.module.css";
import type { Totals } from "./TotalsQuery";

const rate = (value: number | null): string => (value === null ? "–" : percent(value));

interface ByVariantProps {
  campaignId: string;
  totals: readonly Totals[];
}

/** By variant and channel, with the API's rates; each figure leads to its recipients. */
export function ByVariant({ campaignId, totals }: ByVariantProps) {
  const who = (
    { variant, channel }: Totals,
    outcome: Enum<"CampaignOutcome">,
    value: number | null,
    text = rate(value),
  ) =>
    variant === null || !value ? (
      text
    ) : (
      <Link
        key={outcome}
        to="/campaigns/$campaignId"
        params={{ campaignId: uuidOf(campaignId) }}
        search={campaignUrl.params({ tab: "recipients", outcome, channel, variant })}
      >
        {text}
      </Link>
    );
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
          who(one, "SENT", one.sent, number(one.sent)),
          who(one, "DELIVERED", one.rates.delivery),
          who(one, "OPENED", one.rates.open),
          who(one, "CLICKED", one.rates.click),
          rate(one.rates.clickToOpen),
          who(one, "REPLIED", one.rates.reply),
          who(one, "BOUNCED", one.rates.bounce),
          who(one, "COMPLAINED", one.rates.complaint),
          who(one, "OPTED_OUT", one.rates.optOut),
        ],
      }))}
      empty={t("campaign.nothingSent")}
    />
  );
}
