import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Select } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";

const StaticListsQuery = graphql(`
  query StaticLists {
    lists(first: 200) {
      nodes {
        id
        name
        criteria
      }
    }
  }
`);

const AddMembers = graphql(`
  mutation AddSelectedMembers($listId: ID!, $customerIds: [ID!]!, $idempotencyKey: String) {
    addListMembers(listId: $listId, customerIds: $customerIds, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      listId
    }
  }
`);

interface AddProps {
  ids: readonly string[];
  onDone: () => void;
  onClose: () => void;
}

/** Adds the selected customers to a list without criteria. */
export function AddToListDialog({ ids, onDone, onClose }: AddProps) {
  const [{ data, error }] = useQuery({ query: StaticListsQuery });
  const [listId, setListId] = useState<string>();
  const { run, running, refusal, problem } = useAction(AddMembers);
  const lists = data?.lists.nodes.filter((list) => list.criteria === null) ?? [];
  const chosen = listId ?? lists[0]?.id;
  const add = async () => {
    if (!chosen || !(await run({ listId: chosen, customerIds: [...ids] }))) return;
    toast(t("customers.bulk.done", { count: ids.length }));
    onClose();
    onDone();
  };
  return (
    <ConfirmDialog
      title={t("customers.bulk.list")}
      action={t("customers.bulk.do", { count: ids.length })}
      isDisabled={!chosen}
      isRunning={running}
      refusal={refusal}
      problem={problem ?? (error && problemOf(error))}
      onConfirm={add}
      onClose={onClose}
    >
      {data && lists.length === 0 ? <p>{t("customers.bulk.noLists")}</p> : null}
      {chosen ? (
        <Select
          label={t("customers.bulk.listChoose")}
          value={chosen}
          options={lists.map((list) => ({ value: list.id, label: list.name }))}
          onChange={setListId}
        />
      ) : null}
    </ConfirmDialog>
  );
}
