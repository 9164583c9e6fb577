import { graphql } from "../../../api/graphql";

export const FindCustomers = graphql(`
  query FindCustomers($search: String!) {
    customers(first: 8, filter: { search: $search }) {
      nodes {
        id
        name
        externalId
        addresses {
          id
          address
        }
      }
    }
  }
`);
