import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  emitLegacyCommonJSImports: false, // imports of generated files end in .js, as ES modules want them
  documents: ["src/**/*.ts", "!src/gql/**"],
  generates: {
    "src/gql/": {
      preset: "client",
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        onlyOperationTypes: true,
        strictScalars: true,
        // The JSON form of each scalar. 64-bit numbers travel as texts: a JavaScript number cannot hold them.
        scalars: {
          Attributes: "Record<string, unknown>",
          Date: "string",
          DateTime: "string",
          FieldValue: "string | number | boolean",
          JSON: "unknown",
          Long: "string",
          Micros: "string",
          Position: "string",
          TimeOfDay: "string",
          UUID: "string",
        },
      },
    },
  },
};

export default config;
