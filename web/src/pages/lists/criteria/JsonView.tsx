import { useState } from "react";
import { Textarea } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./JsonView.module.css";
import type { Mistake } from "./places";
import { fromJson, type Group, NotCriteria, toJson } from "./tree";

interface JsonViewProps {
  root: Group;
  onChange: (root: Group) => void;
  mistake?: Mistake;
}

/** The same criteria as text, for those who copy them to the command line or into a program. */
export function JsonView({ root, onChange, mistake }: JsonViewProps) {
  const [written, setWritten] = useState(() => JSON.stringify(toJson(root), null, 2));
  const [problem, setProblem] = useState<string>();
  const change = (text: string) => {
    setWritten(text);
    try {
      onChange(fromJson(JSON.parse(text)));
      setProblem(undefined);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className={styles.json}>
      <Textarea
        label={t("lists.json")}
        isLabelHidden
        hint={t("lists.jsonHint")}
        error={problem ?? mistake?.message}
        spellCheck={false}
        rows={14}
        value={written}
        onChange={(event) => change(event.target.value)}
      />
    </div>
  );
}

function problemOf(error: unknown): string {
  if (!(error instanceof NotCriteria)) return t("lists.notJson", { reason: String((error as Error).message) });
  const { path, found } = error;
  return found ? t("lists.unknownCriterion", { path, name: found }) : t("lists.notCriterion", { path });
}
