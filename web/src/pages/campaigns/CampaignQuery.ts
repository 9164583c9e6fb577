import { graphql, type ResultOf } from "../../api/graphql";
import { PlanFragment } from "./plan/draft";

/** What changes while a campaign runs. */
export const LiveFragment = graphql(`
  fragment CampaignLive on Campaign @_unmask {
    id
    name
    state
    cause
    reason
    startAt
    startedAt
    endedAt
    budgetNoticedAt
    missed
    approvedBy {
      actor
      name
    }
    winner {
      variant
      chosenBy
      chosenAt
      pValue
      needed
      tested {
        variant
        customers
        successes
      }
    }
    progress {
      audienceChosen
      recipients
      decided
      queued
      held
      suppressed
      suppressedBy {
        rule
        recipients
      }
      excluded
    }
  }
`);

export const CampaignQuery = graphql(
  `
    query Campaign($id: ID!) {
      campaign(campaignId: $id) {
        ...CampaignLive
        importId
        beganAt
        changedAt
        changedBy {
          actor
          name
        }
        series {
          id
          name
        }
        templates {
          code
          version
        }
        plan {
          ...CampaignPlanParts
        }
      }
    }
  `,
  [LiveFragment, PlanFragment],
);

export const CampaignChanges = graphql(
  `
    subscription CampaignChanges($id: ID!) {
      campaignProgress(campaignId: $id) {
        ...CampaignLive
      }
    }
  `,
  [LiveFragment],
);

export type Campaign = NonNullable<ResultOf<typeof CampaignQuery>["campaign"]>;
