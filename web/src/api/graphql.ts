import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./schema.gen";

/** Reads a document and knows its types from the schema. Documents and fragments stand beside what uses them. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  // The JSON form of each scalar. 64-bit numbers travel as texts: a JavaScript number cannot hold them.
  scalars: {
    Attributes: Record<string, unknown>;
    Date: string;
    DateTime: string;
    FieldValue: string | number | boolean;
    JSON: unknown;
    Long: string;
    Micros: string;
    Position: string;
    TimeOfDay: string;
    UUID: string;
  };
}>();

export type { FragmentOf, ResultOf, VariablesOf } from "gql.tada";
export { readFragment } from "gql.tada";

/** A value of an enum of the schema. */
export type Enum<Name extends Parameters<typeof graphql.scalar>[0]> = ReturnType<typeof graphql.scalar<Name>>;
