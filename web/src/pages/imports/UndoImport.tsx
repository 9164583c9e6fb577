import { graphql } from "../../api/graphql";
import { useAction } from "../../api/useAction";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { toast } from "../../components/Toast";
import { t } from "../../texts";
import { number } from "../../texts/format";
import { ImportFragment, type ImportRow } from "./ImportsQuery";

const Undo = graphql(
  `
    mutation UndoImport($importId: ID!, $idempotencyKey: String) {
      undoImport(importId: $importId, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        retracted
        kept
        import {
          ...Import
        }
      }
    }
  `,
  [ImportFragment],
);

export function UndoImport({ row, onDone, onClose }: { row: ImportRow; onDone: () => void; onClose: () => void }) {
  const { run, running, refusal, problem } = useAction(Undo);
  const undo = async () => {
    const done = (await run({ importId: row.id }))?.undoImport;
    if (!done) return;
    toast(t("imports.undoDone", { retracted: done.retracted ?? 0, kept: done.kept ?? 0 }));
    onDone();
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("imports.undoTitle", { file: row.fileName ?? t("imports.nameless") })}
      action={t("imports.undo")}
      isDangerous
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={undo}
      onClose={onClose}
    >
      {row.appended === null ? null : <p>{t("imports.undoCount", { events: number(row.appended) })}</p>}
      <p>{t("imports.undoHint")}</p>
      <p>{t("imports.undoAgain")}</p>
    </ConfirmDialog>
  );
}
