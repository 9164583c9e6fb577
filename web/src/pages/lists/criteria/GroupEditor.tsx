import { Plus, X } from "lucide-react";
import { Button, IconButton } from "../../../components/Button";
import { Select } from "../../../components/Field";
import { Menu } from "../../../components/Menu";
import { t } from "../../../texts";
import styles from "./GroupEditor.module.css";
import { KIND_GROUPS } from "./kinds";
import type { Mistake } from "./places";
import { RuleEditor } from "./RuleEditor";
import { type Group, newGroup, newRule, type Part } from "./tree";

export type ChangePart = (id: string, change: (part: Part) => Part | undefined) => void;

interface GroupEditorProps {
  group: Group;
  mistakes: readonly Mistake[];
  onChange: ChangePart;
  /** The root stays. */
  isInner?: boolean;
}

const JOINS = ["all", "any", "notAny", "notAll"] as const;

export function GroupEditor({ group, mistakes, onChange, isInner = false }: GroupEditorProps) {
  const join = group.isNegated ? (group.join === "all" ? "notAll" : "notAny") : group.join;
  const own = mistakes.filter((mistake) => mistake.id === group.id);
  const add = (added: Part) =>
    onChange(group.id, (part) => (part.type === "group" ? { ...part, parts: [...part.parts, added] } : part));
  return (
    <div className={styles.group} role="group" aria-label={t(`lists.joins.${join}`)}>
      <div className={styles.head}>
        <Select
          label={t("lists.join")}
          isLabelHidden
          value={join}
          options={JOINS.map((one) => ({ value: one, label: t(`lists.joins.${one}`) }))}
          onChange={(chosen) =>
            onChange(group.id, (part) =>
              part.type === "group"
                ? {
                    ...part,
                    join: chosen === "all" || chosen === "notAll" ? "all" : "any",
                    isNegated: chosen === "notAll" || chosen === "notAny",
                  }
                : part,
            )
          }
        />
        {isInner ? (
          <IconButton label={t("lists.removeGroup")} icon={<X />} onClick={() => onChange(group.id, () => undefined)} />
        ) : null}
      </div>
      <div className={styles.parts}>
        {group.parts.map((part) =>
          part.type === "group" ? (
            <GroupEditor key={part.id} group={part} mistakes={mistakes} onChange={onChange} isInner />
          ) : (
            <RuleEditor
              key={part.id}
              rule={part}
              mistakes={mistakes.filter((mistake) => mistake.id === part.id)}
              onChange={onChange}
            />
          ),
        )}
        {group.parts.length === 0 ? <p className={styles.hint}>{t("lists.emptyGroup")}</p> : null}
        {own.map((mistake) => (
          <p key={mistake.message} className={styles.mistake} role="alert">
            {mistake.message}
          </p>
        ))}
        <div className={styles.adds}>
          <Menu
            trigger={
              <Button kind="quiet" icon={<Plus aria-hidden="true" />}>
                {t("lists.addRule")}
              </Button>
            }
            groups={KIND_GROUPS.map(({ kinds }) =>
              kinds.map((kind) => ({ label: t(`lists.kindOf.${kind}`), onSelect: () => add(newRule(kind)) })),
            )}
          />
          <Button kind="quiet" icon={<Plus aria-hidden="true" />} onClick={() => add(newGroup([], "any"))}>
            {t("lists.addGroup")}
          </Button>
        </div>
      </div>
    </div>
  );
}
