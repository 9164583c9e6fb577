import type { Enum } from "../../api/graphql";

export const CATEGORIES = [
  "CUSTOMER",
  "ADDRESS",
  "CAMPAIGN",
  "CAMPAIGN_RUN",
  "LIST",
  "LIST_MEMBERS",
  "TEMPLATE",
  "CANNED_REPLY",
  "IMPORT",
  "JOURNEY",
  "ACCOUNT",
  "CALLBACK",
  "TENANT",
] as const satisfies readonly Enum<"StreamCategory">[];

export type Category = (typeof CATEGORIES)[number];

export interface Stream {
  category: Category;
  key: string;
}

/** The parts of a stream's name, such as `customer-<uuid>` or `campaign_run-<uuid>`. */
export function streamOf(name: string): Stream | undefined {
  const [, category, key] = /^([a-z_]+)-([0-9a-f-]{36})$/i.exec(name.trim()) ?? [];
  const found = CATEGORIES.find((one) => one === category?.toUpperCase());
  return found && key ? { category: found, key: key.toLowerCase() } : undefined;
}
