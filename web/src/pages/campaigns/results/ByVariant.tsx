import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
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
  const who = ({ variant, channel }: Totals, outcome: Enum<"CampaignOutcome">, figure: ReactNode) =>
    variant === null || figure === "–" ? (
      figure
    ) : (
      <Link
        key={outcome}
        to="/campaigns/$campaignId"
        params={{ campaignId: uuidOf(campaignId) }}
        search={campaignUrl.params({ tab: "recipients", outcome, channel, variant })}
      >
        {figure}
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
          who(one, "SENT", number(one.sent)),
          who(one, "DELIVERED", rate(one.rates.delivery)),
          who(one, "OPENED", rate(one.rates.open)),
          who(one, "CLICKED", rate(one.rates.click)),
          rate(one.rates.clickToOpen),
          who(one, "REPLIED", rate(one.rates.reply)),
          who(one, "BOUNCED", rate(one.rates.bounce)),
          who(one, "COMPLAINED", rate(one.rates.complaint)),
          who(one, "OPTED_OUT", rate(one.rates.optOut)),
        ],
      }))}
      empty={t("campaign.nothingSent")}
    />
  );
}
