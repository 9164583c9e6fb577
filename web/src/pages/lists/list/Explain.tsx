import { Link } from "@tanstack/react-router";
import { Check, X } from "lucide-react";
import { useDeferredValue, useEffect, useState } from "react";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { Combobox } from "../../../components/Combobox";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Person } from "../../../components/Person";
import { Skeleton } from "../../../components/Skeleton";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { draftOf } from "../criteria/draft";
import { rulesOf, ruleWords } from "../criteria/words";
import type { ShownList } from "../ListQuery";
import { listUrl } from "../listsUrl";
import styles from "./Explain.module.css";
import { FindCustomers } from "./FindCustomers";
import { Seen } from "./Seen";

const ExplainQuery = graphql(`
  query ExplainListMember($listId: ID!, $customerId: ID!) {
    customer(id: $customerId) {
      id
      name
      forgottenAt
    }
    explainListMember(listId: $listId, customerId: $customerId) {
      isMember
      holds
      criteria {
        path
        criterion
        holds
        seen
      }
    }
  }
`);

type Explanation = NonNullable<ResultOf<typeof ExplainQuery>["explainListMember"]>;

/** Why one customer is a member, or is not: each criterion, whether it holds, and what was seen. */
export function Explain({ list, changes }: { list: ShownList; changes: number }) {
  const [url, setUrl] = useUrlState(listUrl);
  const [words, setWords] = useState("");
  const search = useDeferredValue(words.trim());
  const [found] = useQuery({ query: FindCustomers, variables: { search }, pause: search === "" });
  const [{ data, error, fetching }, read] = useQuery({
    query: ExplainQuery,
    variables: { listId: list.id, customerId: url.customer ?? "" },
    pause: url.customer === undefined,
    requestPolicy: "network-only",
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change may have another reason
  useEffect(() => {
    if (url.customer !== undefined) read({ requestPolicy: "network-only" });
  }, [changes]);
  const customer = url.customer === undefined ? null : data?.customer;
  return (
    <div className={styles.explain}>
      <div className={styles.search}>
        <Combobox
          label={t("lists.whose")}
          placeholder={t("customers.searchHint")}
          words={words}
          onWords={setWords}
          isLoading={found.fetching}
          options={(search ? (found.data?.customers.nodes ?? []) : []).map((one) => ({
            value: one.id,
            label: one.name ?? t("customers.nameless"),
            hint: one.externalId ?? undefined,
          }))}
          onChoose={(option) => {
            setWords("");
            setUrl({ customer: uuidOf(option.value) }, { push: true });
          }}
        />
      </div>
      <Failure problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
      {url.customer === undefined ? (
        <Empty title={t("lists.explainNobody")}>{t("lists.explainHint")}</Empty>
      ) : customer ? (
        <section aria-label={t("lists.tab.explain")} className={styles.result}>
          <h2 className={styles.who}>
            <Link to="/customers/$customerId" params={{ customerId: uuidOf(customer.id) }} className={styles.name}>
              <Person name={customer.name} isForgotten={customer.forgottenAt !== null} />
            </Link>
            {data?.explainListMember ? <Verdict explanation={data.explainListMember} /> : null}
          </h2>
          {data?.explainListMember ? (
            <Criteria explanation={data.explainListMember} />
          ) : (
            <p className={styles.hint}>{t("lists.notExplained")}</p>
          )}
        </section>
      ) : fetching || (!data && !error) ? (
        <Skeleton lines={8} />
      ) : error ? null : (
        <Empty title={t("customer.unknown")}>{t("customer.unknownHint")}</Empty>
      )}
    </div>
  );
}

const Verdict = ({ explanation }: { explanation: Explanation }) => (
  <Badge tone={explanation.isMember ? "good" : "neutral"}>
    {t(explanation.isMember ? "lists.isMember" : "lists.isNoMember")}
  </Badge>
);

function Criteria({ explanation }: { explanation: Explanation }) {
  if (explanation.criteria.length === 0) return <p className={styles.hint}>{t("lists.staticHint")}</p>;
  return (
    <>
      {explanation.isMember !== null && explanation.isMember !== explanation.holds ? (
        <p className={styles.hint}>{t("lists.notYet")}</p>
      ) : null}
      <div className={styles.scroll}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{t("lists.criterion")}</th>
              <th scope="col">{t("lists.truth")}</th>
              <th scope="col">{t("lists.seen")}</th>
            </tr>
          </thead>
          <tbody>
            {explanation.criteria.map(({ path, criterion, holds, seen }) => {
              // What stands below a "not" helps when it does not hold.
              const isNegated = (path.match(/\.not(?=\.)/g)?.length ?? 0) % 2 === 1;
              return (
                <tr key={path}>
                  <th scope="row" title={path}>
                    {isNegated ? <span className={styles.not}>{t("lists.negation.not")} </span> : null}
                    <bdi>{criterionWords(criterion)}</bdi>
                  </th>
                  <td>
                    <span className={holds === isNegated ? styles.fails : styles.holds}>
                      {holds ? <Check aria-hidden="true" /> : <X aria-hidden="true" />}
                      {t(holds ? "lists.true" : "lists.false")}
                    </span>
                  </td>
                  <td>
                    <Seen seen={seen} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

function criterionWords(criterion: unknown): string {
  const tree = draftOf(JSON.stringify(criterion));
  return tree ? rulesOf(tree).map(ruleWords).join(" · ") : JSON.stringify(criterion);
}
