import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { Combobox } from "../../../components/Combobox";
import { t } from "../../../texts";
import { FindCustomers } from "./SendQueries";

interface CustomerFieldProps {
  /** The name of who is chosen. */
  chosen: string;
  onChoose: (uuid: string) => void;
}

/** Finds one customer by name, address or number. */
export function CustomerField({ chosen, onChoose }: CustomerFieldProps) {
  const [typed, setTyped] = useState<string>();
  const search = useDeferredValue(typed?.trim() ?? "");
  const [{ data, error, fetching }] = useQuery({ query: FindCustomers, variables: { search }, pause: search === "" });
  return (
    <Combobox
      label={t("notifications.customer")}
      placeholder={t("customers.searchHint")}
      words={typed ?? chosen}
      isLoading={fetching}
      error={error && problemOf(error).message}
      options={(search === "" ? [] : (data?.customers.nodes ?? [])).map((one) => ({
        value: one.id,
        label: one.name ?? t("customers.nameless"),
        hint: (one.addresses.find((address) => address.primary) ?? one.addresses[0])?.address ?? undefined,
      }))}
      onWords={setTyped}
      onChoose={(option) => {
        setTyped(undefined);
        onChoose(uuidOf(option.value));
      }}
    />
  );
}
