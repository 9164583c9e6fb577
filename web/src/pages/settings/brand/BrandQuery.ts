import { type Enum, type FragmentOf, graphql, type VariablesOf } from "../../../api/graphql";

export const BrandFragment = graphql(`
  fragment Brand on Brand @_unmask {
    name
    shownName
    accent
    banner
    imprint
    privacyUrl
    language
    logo {
      mediaType
      width
      height
      url
    }
    topics {
      topic
      language
      name
    }
  }
`);

export type Brand = FragmentOf<typeof BrandFragment>;
export type PageLanguage = Enum<"PageLanguage">;

export const BrandQuery = graphql(
  `
    query Brand {
      brand {
        ...Brand
      }
    }
  `,
  [BrandFragment],
);

export const UpdateBrand = graphql(
  `
    mutation UpdateBrand($changes: BrandPatch!, $idempotencyKey: String) {
      updateBrand(changes: $changes, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        brand {
          ...Brand
        }
      }
    }
  `,
  [BrandFragment],
);

export type BrandChanges = VariablesOf<typeof UpdateBrand>["changes"];
