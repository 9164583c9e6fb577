import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { t } from "../../../texts";
import styles from "../parts/sections.module.css";
import { Tiles, tilesOf } from "./Tiles";
import { useTotals } from "./TotalsQuery";

/** The figures of the messages while they arrive; each leads to its recipients. */
export function LiveTotals({ campaignId }: { campaignId: string }) {
  const { totals, error } = useTotals(campaignId);
  return (
    <section className={styles.section} aria-labelledby="totals">
      <h2 id="totals">{t("campaign.messages")}</h2>
      <Failure problem={error && problemOf(error)} />
      <Tiles campaignId={campaignId} tiles={tilesOf(totals ?? [])} />
    </section>
  );
}
