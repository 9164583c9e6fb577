import { graphql } from "../../../api/graphql";

export const PreviewQuery = graphql(`
  query ListPreview($criteria: ListCriteriaInput!) {
    previewList(criteria: $criteria) {
      preview {
        count
        customerCount
        isExact
        lookedAt
        margin
        examples {
          id
          name
          forgottenAt
        }
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

/** What saving other criteria would change. */
export const ComparisonQuery = graphql(`
  query ListComparison($first: ListCriteriaInput!, $second: ListCriteriaInput!) {
    compareListCriteria(first: $first, second: $second) {
      comparison {
        onlyFirst {
          count
          isExact
        }
        onlySecond {
          count
          isExact
        }
      }
    }
  }
`);
