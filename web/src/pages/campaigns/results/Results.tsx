import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { t } from "../../../texts";
import { money, number, percent } from "../../../texts/format";
import { BREAKDOWNS, type CampaignUrl, TOUCHES } from "../campaignUrl";
import styles from "../parts/sections.module.css";
import { ByDomain, ByHour, ByLink, ByList } from "./Breakdowns";
import { ByVariant } from "./ByVariant";
import { type Tile, Tiles, tilesOf } from "./Tiles";
import { useTotals } from "./TotalsQuery";

const AttributionQuery = graphql(`
  query CampaignAttribution($id: ID!, $touch: CampaignTouch!) {
    campaign(campaignId: $id) {
      id
      attribution(touch: $touch) {
        windows {
          channel
          days
        }
        total {
          converted
          conversionRate
          orders
          roi
          unpriced
          amounts {
            currency
            revenue {
              amount
              currency
            }
            cost {
              amount
              currency
            }
          }
        }
      }
    }
  }
`);

interface ResultsProps {
  campaignId: string;
  url: CampaignUrl;
  setUrl: (changes: Partial<CampaignUrl>) => void;
}

/** What a campaign achieved: as a whole, then by what one chooses. */
export function Results({ campaignId, url, setUrl }: ResultsProps) {
  const { totals = [], error } = useTotals(campaignId);
  const [orders] = useQuery({ query: AttributionQuery, variables: { id: campaignId, touch: url.touch } });
  const attribution = orders.data?.campaign?.attribution;
  const problem = error ?? orders.error;
  return (
    <div className={styles.page}>
      <Failure problem={problem && problemOf(problem)} />
      <section className={styles.section} aria-labelledby="all">
        <h2 id="all">{t("campaign.messages")}</h2>
        <Tiles campaignId={campaignId} tiles={tilesOf(totals)} />
      </section>
      <section className={styles.section} aria-labelledby="orders">
        <div className={styles.head}>
          <h2 id="orders">{t("campaign.orders")}</h2>
          <Select
            label={t("campaign.touch")}
            value={url.touch}
            options={TOUCHES.map((touch) => ({ value: touch, label: t(`campaign.touches.${touch}`) }))}
            onChange={(touch) => setUrl({ touch })}
          />
        </div>
        <Tiles campaignId={campaignId} tiles={attribution ? orderTiles(attribution.total) : []} />
        <p className={styles.note}>{t("campaign.ordersHint")}</p>
      </section>
      <section className={styles.section} aria-labelledby="by">
        <div className={styles.head}>
          <h2 id="by">{t("campaign.breakdown")}</h2>
          <Select
            label={t("campaign.by")}
            value={url.by}
            options={BREAKDOWNS.map((by) => ({ value: by, label: t(`campaign.bys.${by}`) }))}
            onChange={(by) => setUrl({ by })}
          />
        </div>
        <Breakdown by={url.by} campaignId={campaignId} totals={totals} />
      </section>
    </div>
  );
}

function Breakdown({
  by,
  campaignId,
  totals,
}: {
  by: CampaignUrl["by"];
  campaignId: string;
  totals: Parameters<typeof ByVariant>[0]["totals"];
}) {
  switch (by) {
    case "variant":
      return <ByVariant campaignId={campaignId} totals={totals} />;
    case "hour":
      return <ByHour campaignId={campaignId} />;
    case "link":
      return <ByLink campaignId={campaignId} />;
    case "domain":
      return <ByDomain campaignId={campaignId} />;
    case "list":
      return <ByList campaignId={campaignId} />;
  }
}

interface Share {
  converted: number;
  conversionRate: number | null;
  orders: number;
  roi: number | null;
  unpriced: number;
  amounts: { revenue: { amount: string; currency: string }; cost: { amount: string; currency: string } }[];
}

function orderTiles(share: Share): Tile[] {
  const amounts = (of: "revenue" | "cost") =>
    share.amounts.map((one) => money(one[of].amount, one[of].currency)).join(" + ") || "–";
  return [
    {
      name: t("campaign.figure.converted"),
      value: number(share.converted),
      note: share.conversionRate === null ? undefined : percent(share.conversionRate),
      outcome: "CONVERTED",
    },
    { name: t("campaign.figure.orders"), value: number(share.orders) },
    { name: t("campaign.figure.revenue"), value: amounts("revenue") },
    {
      name: t("campaign.figure.cost"),
      value: amounts("cost"),
      note: share.unpriced > 0 ? t("campaign.figure.unpriced", { count: share.unpriced }) : undefined,
    },
    { name: t("campaign.figure.roi"), value: share.roi === null ? "–" : percent(share.roi) },
  ];
}
