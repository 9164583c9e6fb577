import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button, IconButton } from "../../../components/Button";
import { Input } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./Variables.module.css";

interface DefaultValuesProps {
  values: Record<string, unknown>;
  isReadOnly: boolean;
  onChange: (values: Record<string, unknown>) => void;
}

/** Values by name. Lists and objects are written by programs: they are shown as they are. */
export function DefaultValues({ values, isReadOnly, onChange }: DefaultValuesProps) {
  const [name, setName] = useState("");
  const add = (event: FormEvent) => {
    event.preventDefault();
    const added = name.trim();
    if (added && !(added in values)) onChange({ ...values, [added]: "" });
    setName("");
  };
  return (
    <div className={styles.values}>
      {Object.entries(values).map(([key, value]) => {
        const isNested = typeof value === "object" && value !== null;
        return (
          <div key={key} className={styles.value}>
            <Input
              label={key}
              dir="auto"
              readOnly={isReadOnly || isNested}
              value={isNested ? JSON.stringify(value) : String(value ?? "")}
              onChange={(event) => onChange({ ...values, [key]: event.target.value })}
            />
            {isReadOnly ? null : (
              <IconButton
                label={t("templates.removeValue", { name: key })}
                icon={<X />}
                onClick={() => {
                  const { [key]: _, ...rest } = values;
                  onChange(rest);
                }}
              />
            )}
          </div>
        );
      })}
      {isReadOnly ? null : (
        <form className={styles.value} onSubmit={add}>
          <Input
            label={t("templates.newValue")}
            placeholder="shop_name"
            spellCheck={false}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit" icon={<Plus aria-hidden="true" />} disabled={name.trim() === ""}>
            {t("templates.addValue")}
          </Button>
        </form>
      )}
    </div>
  );
}
