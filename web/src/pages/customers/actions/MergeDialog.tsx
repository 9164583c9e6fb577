import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Combobox } from "../../../components/Combobox";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Person } from "../../../components/Person";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import { date, number } from "../../../texts/format";
import { CustomerCardFragment } from "../card/CustomerCard";
import styles from "./MergeDialog.module.css";

const MergedQuery = graphql(`
  query ToBeMerged($id: ID!, $search: String!, $searches: Boolean!) {
    customer(id: $id) {
      ...MergeSide
    }
    customers(first: 8, filter: { search: $search, anonymous: false }) @include(if: $searches) {
      nodes {
        ...MergeSide
      }
    }
  }

  fragment MergeSide on Customer @_unmask {
    id
    name
    externalId
    registeredAt
    orders
    addresses {
      id
      address
    }
    consents {
      channel
      topic
      state
    }
  }
`);

type Side = NonNullable<ResultOf<typeof MergedQuery>["customer"]>;

const MergeCustomers = graphql(
  `
    mutation MergeCustomers($input: MergeCustomersInput!, $idempotencyKey: String) {
      mergeCustomers(input: $input, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        customer {
          id
          mergedIds
          ...CustomerCard
        }
      }
    }
  `,
  [CustomerCardFragment],
);

/** Joins another record of the same person to this one, after both were seen side by side. */
export function MergeDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [words, setWords] = useState("");
  const [other, setOther] = useState<Side>();
  const search = useDeferredValue(words.trim());
  const variables = { id, search, searches: search !== "" };
  const [{ data, fetching, error }] = useQuery({ query: MergedQuery, variables });
  const { run, running, refusal, problem } = useAction(MergeCustomers);
  const found = (data?.customers?.nodes ?? []).filter((one) => one.id !== data?.customer?.id);

  const merge = async () => {
    if (!other || !(await run({ input: { from: other.id, into: id } }))) return;
    toast(t("customer.mergeForm.done"));
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("customer.merge")}
      action={t("customer.mergeForm.do")}
      isDangerous
      isWide
      isDisabled={!other}
      isRunning={running}
      refusal={refusal}
      problem={problem ?? (error && problemOf(error))}
      onConfirm={merge}
      onClose={onClose}
    >
      <Combobox
        label={t("customer.mergeForm.search")}
        placeholder={t("customer.mergeForm.hint")}
        options={found.map((one) => ({
          value: one.id,
          label: one.name ?? t("customers.nameless"),
          hint: one.addresses[0]?.address ?? one.externalId ?? undefined,
        }))}
        isLoading={fetching}
        words={words}
        onWords={(next) => {
          setWords(next);
          setOther(undefined);
        }}
        onChoose={({ value, label }) => {
          setOther(found.find((one) => one.id === value));
          setWords(label);
        }}
      />
      {other && data?.customer ? (
        <div className={styles.sides}>
          <Record title={t("customer.mergeForm.stays")} side={data.customer} />
          <Record title={t("customer.mergeForm.joins")} side={other} />
        </div>
      ) : null}
      <p>{t("customer.mergeForm.what")}</p>
    </ConfirmDialog>
  );
}

function Record({ title, side }: { title: string; side: Side }) {
  const consents = side.consents.map(
    ({ channel, topic, state }) => `${t(`channel.${channel}`)} ${topic}: ${t(`consentState.${state}`)}`,
  );
  const facts = [
    [t("customer.mergeForm.externalId"), side.externalId],
    [t("customer.mergeForm.addresses"), side.addresses.map(({ address }) => address).join(", ")],
    [t("customer.mergeForm.orders"), number(side.orders)],
    [t("customer.mergeForm.consents"), consents.join(", ")],
    [t("customer.mergeForm.registered"), date(side.registeredAt)],
  ];
  return (
    <section className={styles.side}>
      <h3>{title}</h3>
      <Person name={side.name} />
      <dl className={styles.facts}>
        {facts.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd dir="auto">{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
    </section>
  );
}
