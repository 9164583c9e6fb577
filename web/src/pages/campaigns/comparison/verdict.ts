import { locale, t } from "../../../texts";
import { number } from "../../../texts/format";

interface Verdict {
  winner: string | null;
  leader: string | null;
  pValue: number | null;
  needed: number | null;
}

/** Two digits that count: 0.058. */
export const probability = (value: number | null | undefined): string =>
  typeof value === "number" ? new Intl.NumberFormat(locale(), { maximumSignificantDigits: 2 }).format(value) : "–";

/** Which variant is the best, and how sure that is. */
export function verdictText({ winner, leader, pValue, needed }: Verdict): string {
  const p = probability(pValue);
  if (winner !== null) return t("comparison.won", { variant: winner, p });
  if (needed !== null) return t("comparison.needed", { needed: number(needed) });
  return leader === null ? t("comparison.undecided") : t("comparison.leads", { variant: leader, p });
}
