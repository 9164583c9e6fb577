import { useRef, useState } from "react";
import { useClient } from "urql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Progress } from "../../../components/Progress";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";
import styles from "./AddMembers.module.css";
import { csvLine, saveFile } from "./csv";
import { FindCustomers } from "./FindCustomers";
import { idIn, meant, namesIn } from "./memberFile";
import { AddListMembers } from "./memberMutations";

/** How many are added with one request. */
const STEP = 200;

interface Refused {
  name: string;
  reason: "unknown" | "ambiguous" | "failed";
}

interface Run {
  done: number;
  total: number;
  added: number;
  refused: Refused[];
  isOver: boolean;
}

interface ImportMembersProps {
  list: ShownList;
  onAdded: () => void;
  onClose: () => void;
}

/** Adds the customers whom a file names, a line each. Who is a member already stays one: a file may be taken again. */
export function ImportMembers({ list, onAdded, onClose }: ImportMembersProps) {
  const client = useClient();
  const { run: addSome, refusal, problem } = useAction(AddListMembers);
  const [run, setRun] = useState<Run>();
  const isStopped = useRef(false);

  const find = async (name: string): Promise<string | Refused["reason"]> => {
    const id = idIn(name);
    if (id) return id;
    const { data } = await client.query(FindCustomers, { search: name }, { requestPolicy: "network-only" });
    return data ? meant(name, data.customers.nodes) : "failed";
  };

  const take = async (file: File) => {
    const names = namesIn(await file.text());
    const now: Run = { done: 0, total: names.length, added: 0, refused: [], isOver: false };
    setRun({ ...now });
    for (let start = 0; start < names.length && !isStopped.current; start += STEP) {
      const customerIds: string[] = [];
      for (const name of names.slice(start, start + STEP)) {
        if (isStopped.current) break;
        const found = await find(name);
        if (found === "unknown" || found === "ambiguous" || found === "failed") {
          now.refused = [...now.refused, { name, reason: found }];
        } else {
          customerIds.push(found);
        }
        now.done++;
        setRun({ ...now });
      }
      if (customerIds.length === 0) continue;
      if (!(await addSome({ listId: list.id, customerIds }))) break;
      now.added += customerIds.length;
      setRun({ ...now });
      onAdded();
    }
    setRun({ ...now, isOver: true });
  };

  const close = () => {
    isStopped.current = true;
    onClose();
  };
  return (
    <Dialog
      title={t("lists.action.import")}
      onClose={close}
      actions={<Button onClick={close}>{t(run && !run.isOver ? "common.cancel" : "common.close")}</Button>}
    >
      {run ? (
        <>
          <Progress label={t("lists.importing")} done={run.done} total={run.total} />
          <p role="status">{run.isOver ? t("lists.importedCount", { count: run.added }) : "\u00a0"}</p>
        </>
      ) : (
        <Input
          label={t("lists.file")}
          hint={t("lists.fileHint")}
          type="file"
          accept=".csv,.txt,text/csv,text/plain"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) take(file);
          }}
        />
      )}
      <Failure refusal={refusal} problem={problem} />
      {run && run.refused.length > 0 ? <RefusedLines refused={run.refused} /> : null}
    </Dialog>
  );
}

/** Some of the lines that were not taken; the file has all of them. */
function RefusedLines({ refused }: { refused: Refused[] }) {
  const save = () =>
    saveFile("refused.csv", refused.map(({ name, reason }) => csvLine([name, t(`lists.refused.${reason}`)])).join(""));
  return (
    <section aria-label={t("lists.refusedLines", { count: refused.length })}>
      <h3>{t("lists.refusedLines", { count: refused.length })}</h3>
      <ul className={styles.refused}>
        {refused.slice(0, 20).map(({ name, reason }) => (
          <li key={name}>
            <bdi>{name}</bdi>
            <span className={styles.reason}>{t(`lists.refused.${reason}`)}</span>
          </li>
        ))}
      </ul>
      <Button onClick={save}>{t("lists.saveRefused")}</Button>
    </section>
  );
}
