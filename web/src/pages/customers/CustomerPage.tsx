import { Link } from "@tanstack/react-router";
import { History, PenLine } from "lucide-react";
import { useRef, useState } from "react";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../api/graphql";
import { problemOf } from "../../api/problem";
import { Button, IconButton, LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { Person } from "../../components/Person";
import { mayEdit } from "../../session/permissions";
import { useViewer } from "../../session/viewer";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { ComposeDialog } from "./actions/ComposeDialog";
import { CustomerActions } from "./actions/CustomerActions";
import { AsOfBar } from "./asOf/AsOfBar";
import styles from "./CustomerPage.module.css";
import { CustomerCard, CustomerCardFragment } from "./card/CustomerCard";
import { asOfInput, customerUrl } from "./customerUrl";
import { customerRoute } from "./routes";
import { Timeline } from "./timeline/Timeline";

const CustomerQuery = graphql(
  `
    query Customer($id: ID!, $asOf: AsOfInput) {
      customer(id: $id, asOf: $asOf) {
        id
        name
        forgottenAt
        mergedIds
        ...CustomerCard
      }
    }
  `,
  [CustomerCardFragment],
);

type CustomerData = ResultOf<typeof CustomerQuery>["customer"];

export function CustomerPage() {
  const { customerId } = customerRoute.useParams();
  // One customer's page keeps nothing of the one shown before.
  return <Customer key={customerId} id={customerId} />;
}

function Customer({ id }: { id: string }) {
  const [url, setUrl] = useUrlState(customerUrl);
  const viewer = useViewer();
  const asOf = asOfInput(url.asOf);
  const [{ data, error }, read] = useQuery({ query: CustomerQuery, variables: { id, asOf } });
  // While the slider moves, the last moment that was read stays in sight.
  const last = useRef<CustomerData>(undefined);
  if (data) last.current = data.customer;
  const customer = data ? data.customer : last.current;

  if (!customer && !asOf) {
    if (!data && !error) return <PageSkeleton />;
    return <Missing problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />;
  }
  const isForgotten = Boolean(customer?.forgottenAt);
  const title = titleOf(customer);
  return (
    <div className={styles.page} data-part={url.part}>
      <PageHeader
        title={title}
        above={<Link to="/customers">{t("nav.customers")}</Link>}
        actions={asOf || !customer ? null : <Actions id={customer.id} name={customer.name} isForgotten={isForgotten} />}
      >
        {customer ? <Person name={customer.name} isForgotten={isForgotten} /> : null}
      </PageHeader>
      {asOf ? (
        <AsOfBar customerId={id} asOf={asOf.time} onChange={(moment) => setUrl({ asOf: moment, at: undefined })} />
      ) : null}
      <div className={styles.parts}>
        {(["timeline", "card"] as const).map((part) => (
          <button key={part} type="button" aria-pressed={url.part === part} onClick={() => setUrl({ part })}>
            {t(`customer.part.${part}`)}
          </button>
        ))}
      </div>
      {customer ? (
        <div className={styles.columns}>
          <section className={styles.timeline} aria-label={t("customer.part.timeline")}>
            {/* What is shown of a person goes when the person is forgotten; a merge brings more. */}
            <Timeline key={`${customer.forgottenAt} ${customer.mergedIds.length}`} customerId={id} />
          </section>
          <aside className={styles.card} aria-label={t("customer.part.card")}>
            <CustomerCard customer={customer} isFixed={asOf !== undefined || !mayEdit(viewer)} />
          </aside>
        </div>
      ) : data ? (
        <Empty title={t("customer.asOf.unknown")} icon={<History aria-hidden="true" />}>
          {t("customer.asOf.unknownHint")}
        </Empty>
      ) : (
        <PageSkeleton />
      )}
    </div>
  );
}

function titleOf(customer: CustomerData | undefined): string {
  if (!customer) return t("customer.asOf.title");
  return customer.forgottenAt ? t("customers.forgotten") : (customer.name ?? t("customers.nameless"));
}

function Actions({ id, name, isForgotten }: { id: string; name: string | null; isForgotten: boolean }) {
  const [, setUrl] = useUrlState(customerUrl);
  const viewer = useViewer();
  const [isWriting, setIsWriting] = useState(false);
  return (
    <>
      <IconButton
        label={t("customer.history")}
        icon={<History />}
        onClick={() => setUrl({ asOf: new Date().toISOString(), at: undefined }, { push: true })}
      />
      {mayEdit(viewer) && !isForgotten ? <CustomerActions id={id} /> : null}
      {viewer.maySend && !isForgotten ? (
        <Button kind="primary" icon={<PenLine />} onClick={() => setIsWriting(true)}>
          {t("customer.write")}
        </Button>
      ) : null}
      {isWriting ? <ComposeDialog customerId={id} name={name} onClose={() => setIsWriting(false)} /> : null}
    </>
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
