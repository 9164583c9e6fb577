import { useState } from "react";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Menu } from "../../../components/Menu";
import { Progress } from "../../../components/Progress";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { AddToListDialog } from "./AddToListDialog";
import styles from "./BulkBar.module.css";
import { BulkDialog } from "./BulkDialog";
import { BULK_FIELDS, type BulkField } from "./bulk";
import { useBulk } from "./useBulk";

interface BulkBarProps {
  ids: readonly string[];
  onClear: () => void;
}

/** What is done with the selected customers, and how far it is. */
export function BulkBar({ ids, onClear }: BulkBarProps) {
  const bulk = useBulk();
  const authors = mayAuthor(useViewer());
  const [asks, setAsks] = useState<BulkField | "list">();
  const close = () => setAsks(undefined);
  const { job } = bulk;
  if (job) {
    const isDone = job.done === job.ids.length;
    return (
      <section className={styles.bar} aria-label={t("customers.bulk.title")}>
        <div className={styles.progress}>
          <Progress
            label={
              bulk.isRunning || isDone
                ? t("customers.bulk.running")
                : t("customers.bulk.interrupted", { done: job.done, total: job.ids.length })
            }
            done={job.done}
            total={job.ids.length}
          />
          {isDone ? <p role="status">{t("customers.bulk.done", { count: job.done - job.refused })}</p> : null}
          {job.refused > 0 ? (
            <p className={styles.refused}>
              {t("customers.bulk.refused", { count: job.refused, reason: job.reason ?? "" })}
            </p>
          ) : null}
          <Failure problem={bulk.problem} />
        </div>
        {isDone ? null : bulk.isRunning ? (
          <Button onClick={bulk.stop}>{t("customers.bulk.stop")}</Button>
        ) : (
          <Button kind="primary" onClick={() => bulk.run(job)}>
            {t("customers.bulk.resume")}
          </Button>
        )}
        {bulk.isRunning ? null : <Button onClick={bulk.end}>{t("common.close")}</Button>}
      </section>
    );
  }
  if (ids.length === 0) return null;
  return (
    <section className={styles.bar} aria-label={t("customers.bulk.title")}>
      <p className={styles.count} role="status">
        {t("customers.selected", { count: ids.length })}
      </p>
      <Menu
        trigger={<Button kind="primary">{t("customers.bulk.change")}</Button>}
        groups={[
          BULK_FIELDS.map((field) => ({ label: t(`customers.bulk.${field}`), onSelect: () => setAsks(field) })),
          ...(authors ? [[{ label: t("customers.bulk.list"), onSelect: () => setAsks("list") }]] : []),
        ]}
      />
      <Button onClick={onClear}>{t("customers.unselect")}</Button>
      {asks && asks !== "list" ? (
        <BulkDialog
          field={asks}
          count={ids.length}
          onClose={close}
          onRun={(value) => {
            close();
            onClear();
            bulk.run({ field: asks, value, ids: [...ids], done: 0, refused: 0, key: crypto.randomUUID() });
          }}
        />
      ) : null}
      {asks === "list" ? <AddToListDialog ids={ids} onClose={close} onDone={onClear} /> : null}
    </section>
  );
}
