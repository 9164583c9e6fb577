import { X } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { IconButton } from "../../../components/Button";
import { Combobox } from "../../../components/Combobox";
import { Person } from "../../../components/Person";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import styles from "./Preview.module.css";

const NameQuery = graphql(`
  query PreviewCustomer($id: ID!) {
    customer(id: $id) {
      id
      name
      locale
      forgottenAt
    }
  }
`);

const FindQuery = graphql(`
  query FindPreviewCustomer($search: String!) {
    customers(first: 8, filter: { search: $search }) {
      nodes {
        id
        name
        locale
      }
    }
  }
`);

/** As whom the preview is shown: nobody, with example values, or one customer. */
export function AsCustomer({ id, onChange }: { id?: string; onChange: (id: string | undefined) => void }) {
  const { seesPersonalData } = useViewer();
  const [words, setWords] = useState("");
  const search = useDeferredValue(words.trim());
  const [found] = useQuery({ query: FindQuery, variables: { search }, pause: search === "" });
  const [chosen] = useQuery({ query: NameQuery, variables: { id: id ?? "" }, pause: id === undefined });
  if (!seesPersonalData) return null;
  if (id !== undefined) {
    const customer = chosen.data?.customer;
    return (
      <div className={styles.customer}>
        <p className={styles.label}>{t("templates.asCustomer")}</p>
        <div className={styles.chosen}>
          <Person name={customer?.name ?? null} isForgotten={customer?.forgottenAt != null} />
          <IconButton label={t("templates.asNobody")} icon={<X />} onClick={() => onChange(undefined)} />
        </div>
      </div>
    );
  }
  return (
    <div className={styles.customer}>
      <Combobox
        label={t("templates.asCustomer")}
        placeholder={t("templates.examples")}
        words={words}
        onWords={setWords}
        isLoading={found.fetching}
        options={(search ? (found.data?.customers.nodes ?? []) : []).map((one) => ({
          value: one.id,
          label: one.name ?? t("customers.nameless"),
          hint: one.locale ?? undefined,
        }))}
        onChoose={(option) => {
          setWords("");
          onChange(uuidOf(option.value));
        }}
      />
    </div>
  );
}
