import { type FragmentOf, graphql, type ResultOf } from "../../../api/graphql";

export const AccountFragment = graphql(`
  fragment Account on ProviderAccount @_unmask {
    provider
    name
    channels
    state
    reason
    restingUntil
    pausedSince
    source
    calls
    failedCalls
    inFlight
    lastSentAt
    lastErrorAt
    lastErrorClass
    lastErrorCode
    lastTestedAt
    lastTestPassed
    perSecond
    unit
    priority
    costMicros
    webhookUrl
    secrets
    settings {
      name
      value
    }
    routing {
      countries
      domains
      share
      prices {
        country
        micros
      }
    }
    delivery {
      channel
      delivered
      taken
      latencyMs
    }
  }
`);

export type Account = FragmentOf<typeof AccountFragment>;

export const AccountsQuery = graphql(
  `
    query Accounts {
      accounts {
        ...Account
      }
    }
  `,
  [AccountFragment],
);

export const ProvidersQuery = graphql(`
  query Providers {
    providers {
      name
      title
      channels
      settings {
        name
        help
        required
        secret
        defaultValue
      }
      limits {
        channel
        longestText
        largestMessage
        needsSubject
      }
    }
  }
`);

export type Provider = ResultOf<typeof ProvidersQuery>["providers"][number];
export type ProviderSetting = Provider["settings"][number];
