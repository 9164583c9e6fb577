import type { Enum, VariablesOf } from "../../api/graphql";
import { flag, oneOf, optional, optionalOneOf, someOf, text, urlState, words } from "../../url/urlState";
import type { CustomersQuery } from "./CustomersQuery";

export const ORDERS = [
  "NEWEST_FIRST",
  "OLDEST_FIRST",
  "NAME_ASCENDING",
  "NAME_DESCENDING",
  "LAST_CONTACT_NEWEST",
  "LAST_CONTACT_OLDEST",
] as const satisfies readonly Enum<"CustomerOrder">[];

export const COLUMNS = [
  "email",
  "phone",
  "tags",
  "territory",
  "locale",
  "owner",
  "leadScore",
  "lastContact",
  "orders",
  "revenue",
  "registered",
] as const;
export type ColumnName = (typeof COLUMNS)[number];

export const customersUrl = urlState({
  search: text(),
  order: oneOf(ORDERS, "NEWEST_FIRST"),
  tags: words(),
  territory: optional(),
  locale: optional(),
  owner: optional(),
  has: optionalOneOf(["email", "phone"]),
  contact: optionalOneOf(["never"]),
  forgotten: flag(),
  columns: someOf(COLUMNS, ["email", "tags", "territory", "lastContact", "orders", "revenue"]),
});

export type CustomersState = ReturnType<typeof customersUrl.parse>;

/** What the API is asked for. */
export function filterOf(state: CustomersState): NonNullable<VariablesOf<typeof CustomersQuery>["filter"]> {
  return {
    search: state.search.trim() || undefined,
    tags: state.tags.length > 0 ? state.tags : undefined,
    territory: state.territory,
    locale: state.locale,
    owner: state.owner,
    hasEmail: state.has === "email" ? true : undefined,
    hasPhone: state.has === "phone" ? true : undefined,
    contacts: state.contact === "never" ? [{ direction: "OUTBOUND", never: true }] : undefined,
    includeForgotten: state.forgotten || undefined,
  };
}
