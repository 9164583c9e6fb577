import { Link } from "@tanstack/react-router";
import type { Enum } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { t } from "../../../texts";
import { number, percent } from "../../../texts/format";
import { campaignUrl } from "../campaignUrl";
import styles from "./Tiles.module.css";
import { sum, type Totals } from "./TotalsQuery";

export interface Tile {
  name: string;
  value: string;
  /** What the figure is a part of, or is made of. */
  note?: string;
  /** The recipients behind it. */
  outcome?: Enum<"CampaignOutcome">;
}

const part = (count: number, of: number): string | undefined => (of === 0 ? undefined : percent(count / of));

export function tilesOf(totals: readonly Totals[]): Tile[] {
  const sent = sum(totals, (one) => one.sent);
  const arrived = sum(totals, (one) => one.arrived);
  const counted = (
    name: "delivered" | "replied" | "bounced" | "complained" | "optedOut",
    outcome: Enum<"CampaignOutcome">,
    of: (one: Totals) => number,
    whole: number,
  ): Tile => {
    const count = sum(totals, of);
    return { name: t(`campaign.figure.${name}`), value: number(count), note: part(count, whole), outcome };
  };
  /** By people, beside what is raw and what machines did. */
  const engaged = (
    name: "opened" | "clicked",
    outcome: Enum<"CampaignOutcome">,
    of: (one: Totals) => Totals["opens"],
  ): Tile => {
    const human = sum(totals, (one) => of(one).uniqueHuman);
    const note = t("campaign.figure.engagedNote", {
      raw: sum(totals, (one) => of(one).raw),
      machine: sum(totals, (one) => of(one).machine),
    });
    const share = part(human, arrived);
    return {
      name: t(`campaign.figure.${name}`),
      value: number(human),
      note: share ? `${share} · ${note}` : note,
      outcome,
    };
  };
  return [
    { name: t("campaign.figure.sent"), value: number(sent), outcome: "SENT" },
    counted("delivered", "DELIVERED", (one) => one.arrived, sent),
    engaged("opened", "OPENED", (one) => one.opens),
    engaged("clicked", "CLICKED", (one) => one.clicks),
    counted("replied", "REPLIED", (one) => one.replied, arrived),
    counted("bounced", "BOUNCED", (one) => one.bounced, sent),
    counted("complained", "COMPLAINED", (one) => one.complained, arrived),
    counted("optedOut", "OPTED_OUT", (one) => one.optedOut, arrived),
  ];
}

export function Tiles({ campaignId, tiles }: { campaignId: string; tiles: readonly Tile[] }) {
  return (
    <ul className={styles.tiles}>
      {tiles.map(({ name, value, note, outcome }) => (
        <li key={name} className={styles.tile}>
          <span className={styles.name}>{name}</span>
          <span className={styles.value}>
            {outcome ? (
              <Link
                to="/campaigns/$campaignId"
                params={{ campaignId: uuidOf(campaignId) }}
                search={campaignUrl.params({ tab: "recipients", outcome })}
                aria-label={t("campaign.figure.showWho", { name, value })}
              >
                {value}
              </Link>
            ) : (
              value
            )}
          </span>
          <span className={styles.note}>{note ?? "\u00a0"}</span>
        </li>
      ))}
    </ul>
  );
}
