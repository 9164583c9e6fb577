import { useId, useState } from "react";
import { t } from "../texts";
import styles from "./Combobox.module.css";
import { Input } from "./Field";

export interface Option {
  value: string;
  label: string;
  hint?: string;
}

interface ComboboxProps {
  label: string;
  isLabelHidden?: boolean;
  placeholder?: string;
  hint?: string;
  error?: string;
  /** What fits to the words typed so far; the caller searches. */
  options: readonly Option[];
  isLoading?: boolean;
  /** The suggestions stay below the field instead of floating over what follows. */
  isInline?: boolean;
  words: string;
  onWords: (words: string) => void;
  onChoose: (option: Option) => void;
}

/** A field that suggests while one types: arrows choose, Enter takes, Escape closes. */
export function Combobox({
  options,
  isLoading = false,
  isInline = false,
  words,
  onWords,
  onChoose,
  ...field
}: ComboboxProps) {
  const listId = useId();
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(0);
  const index = Math.min(active, options.length - 1);
  const shows = isInline || (isOpen && (options.length > 0 || words !== ""));

  const choose = (option: Option | undefined) => {
    if (!option) return;
    onChoose(option);
    setIsOpen(false);
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setIsOpen(true);
      setActive(options.length === 0 ? 0 : (index + step + options.length) % options.length);
    } else if (event.key === "Enter" && shows) {
      event.preventDefault();
      choose(options[index]);
    } else if (event.key === "Escape" && shows && !isInline) {
      // A dialog around the field stays open.
      event.preventDefault();
      event.stopPropagation();
      setIsOpen(false);
    }
  };

  return (
    <div className={styles.combobox}>
      <Input
        {...field}
        role="combobox"
        autoComplete="off"
        spellCheck={false}
        aria-expanded={shows}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={shows && index >= 0 ? `${listId}-${index}` : undefined}
        value={words}
        onChange={(event) => {
          onWords(event.target.value);
          setIsOpen(true);
          setActive(0);
        }}
        onFocus={() => setIsOpen(true)}
        onBlur={() => setIsOpen(false)}
        onKeyDown={onKeyDown}
      />
      <div
        id={listId}
        role="listbox"
        aria-label={field.label}
        className={isInline ? styles.inline : styles.list}
        hidden={!shows}
      >
        {options.map((option, position) => (
          <div
            key={option.value}
            id={`${listId}-${position}`}
            role="option"
            tabIndex={-1}
            aria-selected={position === index}
            className={styles.option}
            // Before the field loses the focus, which closes the list.
            onPointerDown={(event) => {
              event.preventDefault();
              choose(option);
            }}
          >
            <bdi>{option.label}</bdi>
            {option.hint ? <span className={styles.hint}>{option.hint}</span> : null}
          </div>
        ))}
        {options.length === 0 ? (
          <p className={styles.none}>{t(isLoading ? "common.loading" : "common.nothingFound")}</p>
        ) : null}
      </div>
    </div>
  );
}
