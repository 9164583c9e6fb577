import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Person } from "../../../components/Person";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { reasonText } from "../parts/names";
import styles from "./Samples.module.css";

const SamplesQuery = graphql(`
  query DryRunSamples($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      ... on Customer {
        id
        name
        forgottenAt
      }
    }
  }
`);

interface SamplesProps {
  outcome: { outcome: string; customers: number; refusal: string | null; samples: string[] };
}

/** Some of the people behind a step of the funnel. */
export function Samples({ outcome }: SamplesProps) {
  const [{ data, error }] = useQuery({ query: SamplesQuery, variables: { ids: outcome.samples } });
  const people = (data?.nodes ?? []).flatMap((node) => (node?.__typename === "Customer" ? [node] : []));
  return (
    <section className={styles.samples} aria-label={reasonText(outcome.outcome)} aria-live="polite">
      <h2>{reasonText(outcome.outcome)}</h2>
      <p className={styles.note}>{t("dryRun.samples", { shown: outcome.samples.length, count: outcome.customers })}</p>
      {outcome.refusal ? <p className={styles.note}>{outcome.refusal}</p> : null}
      <Failure problem={error && problemOf(error)} />
      {!data && !error ? <Skeleton lines={3} /> : null}
      <ul>
        {people.map((one) => (
          <li key={one.id}>
            <Link to="/customers/$customerId" params={{ customerId: uuidOf(one.id) }}>
              <Person name={one.name} isForgotten={one.forgottenAt !== null} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
