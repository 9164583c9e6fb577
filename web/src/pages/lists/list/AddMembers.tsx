import { X } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Combobox } from "../../../components/Combobox";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Person } from "../../../components/Person";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";
import styles from "./AddMembers.module.css";
import { FindCustomers } from "./FindCustomers";
import { AddListMembers } from "./memberMutations";

interface AddMembersProps {
  list: ShownList;
  onAdded: () => void;
  onClose: () => void;
}

/** Adds customers whom one searches, several at once. */
export function AddMembers({ list, onAdded, onClose }: AddMembersProps) {
  const [words, setWords] = useState("");
  const search = useDeferredValue(words.trim());
  const [chosen, setChosen] = useState<{ id: string; name: string | null }[]>([]);
  const [{ data, fetching }] = useQuery({ query: FindCustomers, variables: { search }, pause: search === "" });
  const { run, running, refusal, problem } = useAction(AddListMembers);
  const found = (search ? (data?.customers.nodes ?? []) : []).filter((one) => !chosen.some(({ id }) => id === one.id));
  const add = async () => {
    if (!(await run({ listId: list.id, customerIds: chosen.map((one) => one.id) }))) return;
    onAdded();
    onClose();
  };
  return (
    <Dialog
      title={t("lists.action.add")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" busy={running} disabled={chosen.length === 0} onClick={add}>
            {t("lists.addCount", { count: chosen.length })}
          </Button>
        </>
      }
    >
      <Combobox
        label={t("customers.search")}
        placeholder={t("customers.searchHint")}
        isInline
        words={words}
        onWords={setWords}
        isLoading={fetching}
        options={found.map((one) => ({
          value: one.id,
          label: one.name ?? t("customers.nameless"),
          hint: one.addresses[0]?.address ?? one.externalId ?? undefined,
        }))}
        onChoose={(option) => {
          const customer = found.find((one) => one.id === option.value);
          if (customer) setChosen([...chosen, customer]);
          setWords("");
        }}
      />
      <ul className={styles.chosen} aria-label={t("lists.chosen")}>
        {chosen.map((one) => (
          <li key={one.id}>
            <Person name={one.name} />
            <IconButton
              label={t("lists.removeOne", { name: one.name ?? t("customers.nameless") })}
              icon={<X />}
              onClick={() => setChosen(chosen.filter(({ id }) => id !== one.id))}
            />
          </li>
        ))}
      </ul>
      <Failure refusal={refusal} problem={problem} />
    </Dialog>
  );
}
