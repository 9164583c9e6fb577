import { useMemo, useState } from "react";
import { Button } from "../../../components/Button";
import { t } from "../../../texts";
import styles from "./CriteriaEditor.module.css";
import { GroupEditor } from "./GroupEditor";
import { JsonView } from "./JsonView";
import type { Mistake } from "./places";
import { changePart, type Group, gapsOf } from "./tree";

interface CriteriaEditorProps {
  root: Group;
  onChange: (root: Group) => void;
  /** What the server says is wrong. */
  mistake?: Mistake;
  view: "rows" | "json";
  onView: (view: "rows" | "json") => void;
}

/** Criteria as rows and groups, or the same as JSON. */
export function CriteriaEditor({ root, onChange, mistake, view, onView }: CriteriaEditorProps) {
  // A row that was just added is not wrong because nothing stands in it yet.
  const [isTouched, setIsTouched] = useState(false);
  const gaps = useMemo(() => (isTouched ? gapsOf(root) : []), [root, isTouched]);
  const mistakes: Mistake[] = [
    ...gaps.map((gap) => ({ ...gap, message: t("lists.fillIn") })),
    ...(mistake ? [mistake] : []),
  ];
  return (
    <section className={styles.editor} aria-label={t("lists.criteria")}>
      <header className={styles.head}>
        <h2>{t("lists.criteria")}</h2>
        <div className={styles.views} role="group" aria-label={t("lists.view")}>
          {(["rows", "json"] as const).map((one) => (
            <Button
              key={one}
              kind={one === view ? "plain" : "quiet"}
              aria-pressed={one === view}
              onClick={() => onView(one)}
            >
              {t(`lists.views.${one}`)}
            </Button>
          ))}
        </div>
      </header>
      {view === "json" ? (
        <JsonView root={root} onChange={onChange} mistake={mistake} />
      ) : (
        <div role="group" aria-label={t("lists.views.rows")} onBlur={() => setIsTouched(true)}>
          <GroupEditor
            group={root}
            mistakes={mistakes}
            onChange={(id, change) => onChange(changePart(root, id, change))}
          />
        </div>
      )}
    </section>
  );
}
