import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { Checkbox, Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import { CHOICES, type FieldSpec } from "./kinds";
import styles from "./RuleEditor.module.css";
import type { Json } from "./tree";
import { choiceName } from "./words";

interface FieldInputProps {
  field: FieldSpec;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
  error?: string;
}

/** The control for one field of a criterion, by what the field takes. */
export function FieldInput({ field, value, onChange, error }: FieldInputProps) {
  const { input } = field;
  const label = t(`lists.field.${field.name}`);
  switch (input.type) {
    case "choice":
      return (
        <div className={styles.choice}>
          <Choice
            {...{ label, error }}
            value={String(value ?? "")}
            options={CHOICES[input.of].map((one) => ({ value: one, label: choiceName(input.of, one) }))}
            onChange={onChange}
          />
        </div>
      );
    case "yesNo":
      return (
        <div className={styles.short}>
          <Choice
            {...{ label, error }}
            value={value === undefined ? "" : String(value)}
            options={[
              { value: "true", label: t("lists.yes") },
              { value: "false", label: t("lists.no") },
            ]}
            onChange={(chosen) => onChange(chosen === undefined ? undefined : chosen === "true")}
          />
        </div>
      );
    case "flag":
      return (
        <div className={styles.flag}>
          <Checkbox
            label={label}
            checked={value === true}
            onChange={(event) => onChange(event.target.checked || undefined)}
          />
        </div>
      );
    case "list":
    case "campaign":
      return (
        <div className={styles.long}>
          <NamedInput of={input.type} {...{ label, error, onChange }} value={String(value ?? "")} />
        </div>
      );
    case "texts":
      return (
        <div className={styles.long}>
          <WordsInput {...{ label, error, onChange }} value={Array.isArray(value) ? value : []} />
        </div>
      );
    case "whole":
    case "number":
      return (
        <div className={styles.short}>
          <Input
            {...{ label, error }}
            type="number"
            min={input.type === "whole" ? input.min : undefined}
            max={input.type === "whole" ? input.max : undefined}
            step={input.type === "whole" ? 1 : "any"}
            value={value === undefined ? "" : String(value)}
            onChange={(event) => onChange(numberOf(event.target.value, input.type === "whole"))}
          />
        </div>
      );
    default:
      return (
        <div className={input.type === "amount" || field.name === "currency" ? styles.short : styles.long}>
          <Input
            {...{ label, error }}
            dir="auto"
            inputMode={input.type === "amount" ? "decimal" : undefined}
            placeholder={input.type === "text" ? input.placeholder : undefined}
            value={value === undefined ? "" : String(value)}
            onChange={(event) => onChange(event.target.value || undefined)}
          />
        </div>
      );
  }
}

/** GraphQL's whole numbers have 32 bits; what is none is as if nothing stood there. */
function numberOf(written: string, isWhole: boolean): number | undefined {
  const value = Number(written);
  if (written === "" || !Number.isFinite(value)) return undefined;
  return isWhole ? Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(value))) : value;
}

interface ChoiceProps {
  label: string;
  error?: string;
  value: string;
  options: { value: string; label: string }[];
  onChange: (value: string | undefined) => void;
}

/** A choice that may be left open. */
const Choice = ({ options, onChange, ...rest }: ChoiceProps) => (
  <Select
    {...rest}
    options={[{ value: "", label: "–" }, ...options]}
    onChange={(value) => onChange(value || undefined)}
  />
);

/** Several words, parted by commas. */
function WordsInput({
  value,
  onChange,
  ...rest
}: {
  label: string;
  error?: string;
  value: Json[];
  onChange: (value: Json[] | undefined) => void;
}) {
  // A comma at the end is no word yet, but has to stay while one types.
  const [written, setWritten] = useState(value.join(", "));
  return (
    <Input
      {...rest}
      dir="auto"
      placeholder={t("lists.commas")}
      value={written}
      onChange={(event) => {
        setWritten(event.target.value);
        const words = event.target.value.split(",").map((word) => word.trim());
        onChange(words.filter((word) => word !== ""));
      }}
    />
  );
}

const NamesQuery = graphql(`
  query CriteriaNames($lists: Boolean!, $campaigns: Boolean!) {
    lists(first: 200) @include(if: $lists) {
      nodes {
        id
        name
      }
    }
    campaigns(first: 200) @include(if: $campaigns) {
      nodes {
        id
        name
      }
    }
  }
`);

/** A list or campaign by its name. */
function NamedInput({ of, value, ...rest }: Omit<ChoiceProps, "options"> & { of: "list" | "campaign" }) {
  const [{ data }] = useQuery({
    query: NamesQuery,
    variables: { lists: of === "list", campaigns: of === "campaign" },
  });
  const nodes: { id: string; name: string | null }[] = (of === "list" ? data?.lists : data?.campaigns)?.nodes ?? [];
  const found = nodes.find((one) => uuidOf(one.id) === uuidOf(value));
  const options = nodes.map((one) => ({ value: one.id, label: one.name ?? uuidOf(one.id) }));
  // What is not among the first is still shown.
  if (value && !found) options.unshift({ value, label: uuidOf(value) });
  return <Choice {...rest} value={found?.id ?? value} options={options} />;
}
