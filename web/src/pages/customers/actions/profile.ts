import { graphql, type ResultOf, type VariablesOf } from "../../../api/graphql";
import { CustomerCardFragment } from "../card/CustomerCard";

export const ProfileQuery = graphql(`
  query Profile($id: ID!) {
    customer(id: $id) {
      id
      name
      locale
      timeZone
      preferredHours
      territory
      industry
      accountType
      priority
      owner
      leadScore
      tags
    }
  }
`);

export const ChangeCustomer = graphql(
  `
    mutation ChangeCustomer($customerId: ID!, $changes: CustomerPatch!, $idempotencyKey: String) {
      changeCustomer(customerId: $customerId, changes: $changes, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        customer {
          id
          name
          ...CustomerCard
        }
      }
    }
  `,
  [CustomerCardFragment],
);

export type Profile = NonNullable<ResultOf<typeof ProfileQuery>["customer"]>;
export type Patch = VariablesOf<typeof ChangeCustomer>["changes"];

export const FIELDS = [
  "name",
  "locale",
  "timeZone",
  "preferredHours",
  "territory",
  "industry",
  "accountType",
  "priority",
  "owner",
  "leadScore",
] as const;
export type FieldName = (typeof FIELDS)[number];
export type Written = Record<FieldName | "tags", string>;

export const writtenOf = (profile: Profile): Written => ({
  ...(Object.fromEntries(FIELDS.map((name) => [name, profile[name] ?? ""])) as Record<FieldName, string>),
  tags: profile.tags.join(", "),
});

/** What somebody changed: an emptied field is cleared, all others are kept as the server has them. */
export function patchOf(before: Written, after: Written): Patch {
  const changed = FIELDS.filter((name) => before[name] !== after[name]).map((name) => [
    name,
    after[name].trim() || null,
  ]);
  const patch: Patch = Object.fromEntries(changed);
  const old = tagsOf(before.tags);
  const now = tagsOf(after.tags);
  const addTags = now.filter((tag) => !old.includes(tag));
  const removeTags = old.filter((tag) => !now.includes(tag));
  if (addTags.length > 0) patch.addTags = addTags;
  if (removeTags.length > 0) patch.removeTags = removeTags;
  return patch;
}

export const tagsOf = (written: string): string[] => [
  ...new Set(
    written
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];
