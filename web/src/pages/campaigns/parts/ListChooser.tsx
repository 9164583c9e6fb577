import { useState } from "react";
import { Checkbox, Input } from "../../../components/Field";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import type { ListChoice } from "../plan/ChoicesQuery";
import styles from "./ListChooser.module.css";

interface ListChooserProps {
  legend: string;
  lists: readonly ListChoice[];
  /** Global ids. */
  value: readonly string[];
  /** Chosen elsewhere: cannot be chosen here as well. */
  taken?: readonly string[];
  error?: string;
  onChange: (ids: string[]) => void;
}

/** Lists to tick, with how many they have; the search appears where there are many. */
export function ListChooser({ legend, lists, value, taken = [], error, onChange }: ListChooserProps) {
  const [search, setSearch] = useState("");
  const words = search.trim().toLocaleLowerCase();
  const shown = lists.filter((one) => value.includes(one.id) || one.name.toLocaleLowerCase().includes(words));
  return (
    <fieldset className={styles.chooser}>
      <legend>{legend}</legend>
      {lists.length > 8 ? (
        <Input
          label={t("plan.searchLists")}
          isLabelHidden
          placeholder={t("plan.searchLists")}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      ) : null}
      <ul className={styles.lists}>
        {shown.map((one) => (
          <li key={one.id}>
            <Checkbox
              label={
                <span className={styles.name}>
                  <bdi title={one.name}>{one.name}</bdi>
                  <span className={styles.count}>{number(one.memberCount)}</span>
                </span>
              }
              checked={value.includes(one.id)}
              disabled={taken.includes(one.id)}
              onChange={(event) =>
                onChange(event.target.checked ? [...value, one.id] : value.filter((id) => id !== one.id))
              }
            />
          </li>
        ))}
        {shown.length === 0 ? <li className={styles.none}>{t("common.nothingFound")}</li> : null}
      </ul>
      {error ? (
        <p className={styles.error} role="alert">
          {error}
        </p>
      ) : null}
    </fieldset>
  );
}
