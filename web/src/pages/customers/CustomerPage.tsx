import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { graphql } from "../../api/graphql";
import { problemOf } from "../../api/problem";
import { LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { Person } from "../../components/Person";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import styles from "./CustomerPage.module.css";
import { CustomerCard, CustomerCardFragment } from "./card/CustomerCard";
import { customerUrl } from "./customerUrl";
import { customerRoute } from "./routes";
import { Timeline } from "./timeline/Timeline";

const CustomerQuery = graphql(
  `
    query Customer($id: ID!) {
      customer(id: $id) {
        id
        name
        forgottenAt
        ...CustomerCard
      }
    }
  `,
  [CustomerCardFragment],
);

export function CustomerPage() {
  const { customerId } = customerRoute.useParams();
  // One customer's page keeps nothing of the one shown before.
  return <Customer key={customerId} id={customerId} />;
}

function Customer({ id }: { id: string }) {
  const [url, setUrl] = useUrlState(customerUrl);
  const [{ data, error }, read] = useQuery({ query: CustomerQuery, variables: { id } });
  const customer = data?.customer;
  if (!data && !error) return <PageSkeleton />;
  if (!customer)
    return <Missing problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />;

  const isForgotten = customer.forgottenAt !== null;
  const title = isForgotten ? t("customers.forgotten") : (customer.name ?? t("customers.nameless"));
  return (
    <div className={styles.page} data-part={url.part}>
      <PageHeader title={title} above={<Link to="/customers">{t("nav.customers")}</Link>}>
        <Person name={customer.name} isForgotten={isForgotten} />
      </PageHeader>
      <div className={styles.parts}>
        {(["timeline", "card"] as const).map((part) => (
          <button key={part} type="button" aria-pressed={url.part === part} onClick={() => setUrl({ part })}>
            {t(`customer.part.${part}`)}
          </button>
        ))}
      </div>
      <div className={styles.columns}>
        <section className={styles.timeline} aria-label={t("customer.part.timeline")}>
          <Timeline customerId={customer.id} />
        </section>
        <aside className={styles.card} aria-label={t("customer.part.card")}>
          <CustomerCard customer={customer} />
        </aside>
      </div>
    </div>
  );
}

function Missing({ problem, onRetry }: { problem?: ReturnType<typeof problemOf>; onRetry: () => void }) {
  return (
    <>
      <PageHeader title={t("customer.unknown")} above={<Link to="/customers">{t("nav.customers")}</Link>} />
      {problem ? (
        <div className={styles.failure}>
          <Failure problem={problem} onRetry={onRetry} />
        </div>
      ) : (
        <Empty title={t("customer.unknown")} action={<LinkButton to="/customers">{t("nav.customers")}</LinkButton>}>
          {t("customer.unknownHint")}
        </Empty>
      )}
    </>
  );
}
