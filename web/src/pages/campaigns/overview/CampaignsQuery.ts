import { graphql, type ResultOf } from "../../../api/graphql";

export const CampaignsQuery = graphql(`
  query Campaigns($after: String, $before: String, $first: Int, $last: Int) {
    campaigns(after: $after, before: $before, first: $first, last: $last) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        name
        state
        beganAt
        startAt
        startedAt
        endedAt
        plan {
          channel
          fallbacks {
            channel
          }
          start {
            cron
          }
        }
        progress {
          recipients
          decided
        }
        metrics {
          totals {
            variant
            channel
            sent
            arrived
            opens {
              uniqueHuman
            }
            clicks {
              uniqueHuman
            }
          }
        }
      }
    }
  }
`);

export type CampaignRow = ResultOf<typeof CampaignsQuery>["campaigns"]["nodes"][number];

/** The channels that it is sent by: as planned, or as its messages show. */
export function channelsOf(campaign: CampaignRow) {
  const { plan, metrics } = campaign;
  const all = plan
    ? [plan.channel, ...plan.fallbacks.map((one) => one.channel)]
    : metrics.totals.map((one) => one.channel);
  return [...new Set(all)];
}

/** When it starts, began or was made: what people look for in a calendar. */
export const momentOf = (campaign: CampaignRow): string => campaign.startAt ?? campaign.startedAt ?? campaign.beganAt;
