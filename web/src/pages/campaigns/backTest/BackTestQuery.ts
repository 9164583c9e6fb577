import { graphql, type ResultOf } from "../../../api/graphql";

const CountsFragment = graphql(`
  fragment BackTestNumbers on BackTestCounts @_unmask {
    messages
    notSent
    later
    sooner
    sent
    sentAsWell
    stoppedAsWell
    waitingAsWell
  }
`);

export const BackTestQuery = graphql(
  `
    query BackTest($input: BackTestInput!) {
      backTest(input: $input) {
        backTest {
          since
          until
          customers
          changedCustomers
          forgottenCustomers
          forgottenMessages
          totals {
            ...BackTestNumbers
          }
          byRule {
            rule
            change
            messages
            customers
            meanHours
            mostHours
            examples {
              customerId
              messageId
              requestedAt
            }
          }
          byChannel {
            channel
            counts {
              ...BackTestNumbers
            }
          }
          byDay {
            day
            counts {
              messages
              notSent
              later
            }
          }
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [CountsFragment],
);

export type BackTestReport = NonNullable<ResultOf<typeof BackTestQuery>["backTest"]["backTest"]>;
