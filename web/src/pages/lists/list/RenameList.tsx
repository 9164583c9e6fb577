import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";

const RenameListMutation = graphql(`
  mutation RenameList($listId: ID!, $name: String!, $idempotencyKey: String) {
    updateList(listId: $listId, name: $name, idempotencyKey: $idempotencyKey) {
      list {
        id
        name
        changedAt
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export function RenameList({ list, onClose }: { list: ShownList; onClose: () => void }) {
  const [name, setName] = useState(list.name);
  const { run, running, refusal, problem } = useAction(RenameListMutation);
  const rename = async () => {
    if (await run({ listId: list.id, name: name.trim() })) onClose();
  };
  const isAtName = refusal?.field === "name";
  return (
    <Dialog
      title={t("lists.action.rename")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" busy={running} disabled={name.trim() === ""} onClick={rename}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          rename();
        }}
      >
        <Input
          label={t("lists.column.name")}
          dir="auto"
          value={name}
          error={isAtName ? refusal.message : undefined}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
      <Failure refusal={isAtName ? undefined : refusal} problem={problem} />
    </Dialog>
  );
}
