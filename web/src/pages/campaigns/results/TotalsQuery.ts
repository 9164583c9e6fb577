import { useQuery, useSubscription } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";

const TotalsFragment = graphql(`
  fragment CampaignTotals on Metrics @_unmask {
    variant
    channel
    queued
    sent
    arrived
    failed
    bounced
    hardBounced
    softBounced
    complained
    optedOut
    replied
    suppressed
    opens {
      raw
      human
      machine
      uniqueRaw
      uniqueHuman
      uniqueMachine
    }
    clicks {
      raw
      human
      machine
      uniqueRaw
      uniqueHuman
      uniqueMachine
    }
    rates {
      delivery
      bounce
      open
      click
      clickToOpen
      reply
      complaint
      optOut
    }
  }
`);

const TotalsQuery = graphql(
  `
    query CampaignTotals($id: ID!) {
      campaignMetrics(campaignId: $id) {
        totals {
          ...CampaignTotals
        }
      }
    }
  `,
  [TotalsFragment],
);

const TotalsChanges = graphql(
  `
    subscription CampaignTotalsChanges($id: ID!) {
      campaignMetrics(campaignId: $id) {
        totals {
          ...CampaignTotals
        }
      }
    }
  `,
  [TotalsFragment],
);

export type Totals = ResultOf<typeof TotalsFragment>;

/** The counts by variant and channel: as read, then as they change. */
export function useTotals(id: string) {
  const [{ data, error }] = useQuery({ query: TotalsQuery, variables: { id }, requestPolicy: "cache-and-network" });
  const [changes] = useSubscription({ query: TotalsChanges, variables: { id } });
  return { totals: (changes.data ?? data)?.campaignMetrics.totals, error };
}

export const sum = (totals: readonly Totals[], of: (one: Totals) => number): number =>
  totals.reduce((whole, one) => whole + of(one), 0);
