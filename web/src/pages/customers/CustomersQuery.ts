import { graphql, type ResultOf } from "../../api/graphql";

export const CustomersQuery = graphql(`
  query Customers(
    $filter: CustomerFilterInput
    $orderBy: CustomerOrder
    $after: String
    $before: String
    $first: Int
    $last: Int
  ) {
    customers(filter: $filter, orderBy: $orderBy, after: $after, before: $before, first: $first, last: $last) {
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        name
        externalId
        forgottenAt
        tags
        territory
        locale
        owner
        leadScore
        lastInboundAt
        lastOutboundAt
        registeredAt
        orders
        addresses {
          id
          kind
          address
          primary
        }
        revenue {
          total {
            amount
            currency
          }
        }
      }
    }
  }
`);

/** How many there are: asked for by itself, as counting takes longer than reading the first rows. */
export const CustomersCountQuery = graphql(`
  query CustomersCount($filter: CustomerFilterInput) {
    customers(filter: $filter, first: 1) {
      totalCount
      totalCountIsExact
    }
  }
`);

export type CustomerRow = ResultOf<typeof CustomersQuery>["customers"]["nodes"][number];
