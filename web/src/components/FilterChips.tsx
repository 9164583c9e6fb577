import { X } from "lucide-react";
import { t } from "../texts";
import styles from "./FilterChips.module.css";

export interface Chip {
  label: string;
  onRemove: () => void;
}

/** The filters that are on: each can be taken off. */
export function FilterChips({ chips, onClear }: { chips: readonly Chip[]; onClear: () => void }) {
  if (chips.length === 0) return null;
  return (
    <ul className={styles.chips} aria-label={t("filter.active")}>
      {chips.map((chip) => (
        <li key={chip.label} className={styles.chip}>
          <bdi title={chip.label}>{chip.label}</bdi>
          <button type="button" aria-label={t("filter.remove", { filter: chip.label })} onClick={chip.onRemove}>
            <X aria-hidden="true" />
          </button>
        </li>
      ))}
      <li>
        <button type="button" className={styles.clear} onClick={onClear}>
          {t("filter.clear")}
        </button>
      </li>
    </ul>
  );
}
