import { Select } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./NewImport.module.css";

interface Column {
  name: string;
  field: string | null;
  samples: string[];
}

interface ColumnsProps {
  columns: readonly Column[];
  fields: readonly { name: string; meaning: string }[];
  /** Columns that have to be said something about first. */
  asked: readonly string[];
  /** What was said about a column; undefined: its name says it. */
  said: (column: string) => string | undefined;
  onSay: (column: string, field: string | undefined) => void;
}

const AS_NAMED = "";
const ATTRIBUTE = "attribute.";

/** Which column is read as what. */
export function Columns({ columns, fields, asked, said, onSay }: ColumnsProps) {
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <caption className="hidden-visually">{t("imports.columns")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("imports.columnName")}</th>
            <th scope="col">{t("imports.samples")}</th>
            <th scope="col">{t("imports.readAs")}</th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <tr key={column.name} className={asked.includes(column.name) ? styles.asked : undefined}>
              <th scope="row">
                <bdi>{column.name}</bdi>
              </th>
              <td className={styles.samples}>
                <bdi>{column.samples.filter(Boolean).join(" · ")}</bdi>
              </td>
              <td>
                <Select
                  label={t("imports.readColumn", { column: column.name })}
                  isLabelHidden
                  value={said(column.name) ?? AS_NAMED}
                  options={options(column, fields)}
                  onChange={(field) => onSay(column.name, field === AS_NAMED ? undefined : field)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function options({ name, field }: Column, fields: ColumnsProps["fields"]) {
  const attribute = `${ATTRIBUTE}${name}`;
  const label = (value: string) =>
    value.startsWith(ATTRIBUTE)
      ? t("imports.attribute", { name: value.slice(ATTRIBUTE.length) })
      : [value, fields.find((known) => known.name === value)?.meaning].filter(Boolean).join(" – ");
  const asNamed = field ? t("imports.asNamed", { field: label(field) }) : t("imports.notRead");
  return [
    { value: AS_NAMED, label: asNamed },
    ...fields.map(({ name: value }) => ({ value, label: label(value) })),
    { value: attribute, label: label(attribute) },
    { value: "ignore", label: t("imports.ignore") },
  ];
}
