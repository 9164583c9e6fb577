import { Link, useNavigate } from "@tanstack/react-router";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";

const DeleteListMutation = graphql(`
  mutation DeleteList($listId: ID!, $idempotencyKey: String) {
    deleteList(listId: $listId, idempotencyKey: $idempotencyKey) {
      listId
      refusal {
        code
        message
        field
      }
    }
  }
`);

/** Deletes a list; what names it is shown first, and keeps it from being deleted. */
export function DeleteList({ list, onClose }: { list: ShownList; onClose: () => void }) {
  const navigate = useNavigate();
  const { run, running, refusal, problem } = useAction(DeleteListMutation);
  const remove = async () => {
    if (!(await run({ listId: list.id }))) return;
    toast(t("lists.deleted", { name: list.name }));
    navigate({ to: "/lists" });
  };
  return (
    <ConfirmDialog
      title={t("lists.deleteTitle", { name: list.name })}
      action={t("lists.action.delete")}
      isDangerous
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={remove}
      onClose={onClose}
    >
      <p>{t("lists.deleteHint", { count: list.memberCount })}</p>
      {list.usedBy.length > 0 ? (
        <div>
          <p>{t("lists.deleteUsed")}</p>
          <ul>
            {list.usedBy.map((one) => (
              <li key={one.id}>
                <Link to="/lists/$listId" params={{ listId: uuidOf(one.id) }}>
                  <bdi>{one.name}</bdi>
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </ConfirmDialog>
  );
}
