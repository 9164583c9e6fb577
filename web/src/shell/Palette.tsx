import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../api/graphql";
import { uuidOf } from "../api/ids";
import { Combobox, type Option } from "../components/Combobox";
import { Dialog } from "../components/Dialog";
import type { Role } from "../session/viewer";
import { t } from "../texts";
import { destinationsFor } from "./navigation";

const FindQuery = graphql(`
  query PaletteCustomers($search: String!) {
    customers(first: 8, filter: { search: $search }) {
      nodes {
        id
        name
        externalId
      }
    }
  }
`);

/** Goes to a page or a customer by a few letters. */
export default function Palette({ role, onClose }: { role: Role; onClose: () => void }) {
  const [words, setWords] = useState("");
  const search = useDeferredValue(words.trim());
  const navigate = useNavigate();
  const [{ data, fetching }] = useQuery({ query: FindQuery, variables: { search }, pause: search === "" });

  const destinations = destinationsFor(role);
  const pages: Option[] = destinations
    .map((one) => ({ value: one.to, label: t(`nav.${one.name}`), hint: `g ${one.letter}` }))
    .filter((one) => one.label.toLocaleLowerCase().includes(search.toLocaleLowerCase()));
  const customers: Option[] = (search ? (data?.customers.nodes ?? []) : []).map((customer) => ({
    value: customer.id,
    label: customer.name ?? t("customers.nameless"),
    hint: customer.externalId ?? undefined,
  }));

  const choose = (option: Option) => {
    const page = destinations.find((one) => one.to === option.value);
    if (page) navigate({ to: page.to });
    else navigate({ to: "/customers/$customerId", params: { customerId: uuidOf(option.value) } });
    onClose();
  };

  return (
    <Dialog title={t("palette.title")} onClose={onClose} bare>
      <Combobox
        label={t("palette.title")}
        isLabelHidden
        isInline
        placeholder={t("palette.placeholder")}
        options={[...pages, ...customers]}
        isLoading={fetching}
        words={words}
        onWords={setWords}
        onChoose={choose}
      />
    </Dialog>
  );
}
