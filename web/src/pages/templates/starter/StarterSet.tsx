import { useState } from "react";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Progress } from "../../../components/Progress";
import { t } from "../../../texts";
import { PublishTemplate, SaveTemplate } from "../TemplateQuery";
import styles from "./StarterSet.module.css";

/** Saves and publishes the starter set, which is loaded when somebody wants it. What is there already stays as it is. */
export function StarterSet({ onAdded }: { onAdded: () => void }) {
  const save = useAction(SaveTemplate);
  const publish = useAction(PublishTemplate);
  const [run, setRun] = useState<{ done: number; total: number }>();

  const add = async () => {
    const { STARTER } = await import("./starter.gen");
    setRun({ done: 0, total: STARTER.length });
    for (const [index, input] of STARTER.entries()) {
      const saved = await save.run({ input });
      const revision = saved?.saveTemplate.revision;
      if (!saved || !(await publish.run({ code: input.code, revision }))) {
        setRun(undefined);
        break;
      }
      setRun({ done: index + 1, total: STARTER.length });
    }
    onAdded();
  };
  return (
    <div className={styles.starter}>
      {run ? (
        <Progress label={t("templates.starterAdding")} done={run.done} total={run.total} />
      ) : (
        <Button kind="primary" onClick={add}>
          {t("templates.starterAdd")}
        </Button>
      )}
      <Failure refusal={save.refusal ?? publish.refusal} problem={save.problem ?? publish.problem} />
    </div>
  );
}
