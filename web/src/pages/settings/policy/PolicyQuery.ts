import { type FragmentOf, graphql, type VariablesOf } from "../../../api/graphql";

export const PolicyFragment = graphql(`
  fragment Policy on Policy @_unmask {
    timeZone
    defaultRegion
    requireOptIn
    campaignApprovalFrom
    autoResolveMinutes
    quietHours {
      channel
      from
      to
      action
    }
    weekdays {
      days
      action
    }
    blackout {
      dates
      action
    }
    caps {
      channel
      topic
      limit
      window
      hours
      action
    }
    emergencyOverride {
      until
      reason
      author {
        actor
        name
      }
    }
    tracking {
      opens
      clicks
      textLinks
      shortLinks
      transactional
      requireOptIn
      untrackedTopics
      url
      parameterHosts
      parameters {
        name
        source
        text
      }
    }
  }
`);

export type Policy = FragmentOf<typeof PolicyFragment>;

export const PolicyQuery = graphql(
  `
    query Policy {
      policy {
        ...Policy
      }
    }
  `,
  [PolicyFragment],
);

export const UpdatePolicy = graphql(
  `
    mutation UpdatePolicy($changes: PolicyPatch!, $idempotencyKey: String) {
      updatePolicy(changes: $changes, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        policy {
          ...Policy
        }
      }
    }
  `,
  [PolicyFragment],
);

export type PolicyChanges = VariablesOf<typeof UpdatePolicy>["changes"];
