import { CopyableId } from "../../components/CopyableId";
import { Facts } from "../../components/Facts";
import { Panel } from "../../components/Panel";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { number } from "../../texts/format";
import styles from "./Imports.module.css";
import type { ImportRow } from "./ImportsQuery";

const figure = (value: number | null) => value !== null && number(value);

export function ImportFacts({ row }: { row: ImportRow }) {
  return (
    <div className={styles.facts}>
      <Panel title={t("imports.brought")}>
        <Facts
          facts={[
            [t("imports.column.kind"), t(`imports.kind.${row.kind}`)],
            [t("imports.column.lines"), figure(row.lines)],
            [t("imports.column.appended"), figure(row.appended)],
            [t("imports.already"), figure(row.already)],
            [
              t("imports.column.refused"),
              row.refused ? (
                <strong key="refused" className={styles.bad}>
                  {number(row.refused)}
                </strong>
              ) : (
                figure(row.refused)
              ),
            ],
            [t("imports.retracted"), figure(row.retracted)],
            [t("imports.kept"), figure(row.kept)],
          ]}
        />
      </Panel>
      <Panel title={t("imports.when")}>
        <Facts
          facts={[
            [t("imports.column.author"), row.author.name ?? row.author.actor],
            [t("imports.column.started"), <Time key="started" at={row.startedAt} />],
            [t("imports.completed"), row.completedAt && <Time at={row.completedAt} />],
            [t("imports.undone"), row.undoneAt && <Time at={row.undoneAt} />],
            [t("imports.run"), row.run > 0 && number(row.run)],
            [t("event.id"), <CopyableId key="id" id={row.id} />],
            [t("imports.digest"), <code key="digest">{row.fileDigest.slice(0, 16)}…</code>],
          ]}
        />
      </Panel>
    </div>
  );
}
