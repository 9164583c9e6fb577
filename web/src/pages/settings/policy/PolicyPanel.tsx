import type { FormEvent, ReactNode } from "react";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Panel } from "../../../components/Panel";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import styles from "./PolicyPage.module.css";
import { type PolicyChanges, UpdatePolicy } from "./PolicyQuery";

interface PolicyPanelProps {
  title: string;
  hint?: ReactNode;
  /** What the form holds, as the API takes it; or what of it is wrong. */
  changes: PolicyChanges;
  /** What is stored now, in the same form: without a difference there is nothing to save. */
  stored: PolicyChanges;
  /** Fields whose refusals the children show themselves. */
  placed?: readonly string[];
  onSaved: () => void;
  children: (refused: (field: string) => string | undefined) => ReactNode;
}

/** One part of the policy as a form of its own, saved by itself. */
export function PolicyPanel(props: PolicyPanelProps) {
  const { run, running, refusal, problem } = useAction(UpdatePolicy);
  const { placed = [], changes, stored } = props;
  const isChanged = JSON.stringify(changes) !== JSON.stringify(stored);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await run({ changes }))) return;
    toast(t("common.saved"));
    props.onSaved();
  };
  return (
    <Panel title={props.title} hint={props.hint}>
      <form className={styles.form} onSubmit={submit}>
        {props.children((field) => (refusal?.field === field ? refusal.message : undefined))}
        <Failure refusal={refusal?.field && placed.includes(refusal.field) ? undefined : refusal} problem={problem} />
        <div className={styles.buttons}>
          <Button type="submit" kind={isChanged ? "primary" : "plain"} busy={running} disabled={!isChanged}>
            {t("common.save")}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
