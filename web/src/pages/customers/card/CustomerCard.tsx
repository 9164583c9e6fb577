import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type FragmentOf, graphql, readFragment } from "../../../api/graphql";
import { CopyableId } from "../../../components/CopyableId";
import { Money } from "../../../components/Money";
import { Badge } from "../../../components/Status";
import { DateOnly, Time } from "../../../components/Time";
import { t } from "../../../texts";
import { number, preferredHours } from "../../../texts/format";
import { useUrlState } from "../../../url/useUrlState";
import { customerUrl } from "../customerUrl";
import { Addresses, AddressesFragment } from "./Addresses";
import { Consents, ConsentsFragment } from "./Consents";
import styles from "./CustomerCard.module.css";

export const CustomerCardFragment = graphql(
  `
    fragment CustomerCard on Customer {
      id
      externalId
      registeredAt
      locale
      timeZone
      preferredHours
      tags
      territory
      industry
      accountType
      priority
      owner
      leadScore
      orders
      cancellations
      lastOrderAt
      lastInboundAt
      lastOutboundAt
      revenue {
        total {
          amount
          currency
        }
      }
      ...CustomerAddresses
      ...CustomerConsents
    }
  `,
  [AddressesFragment, ConsentsFragment],
);

interface CardProps {
  customer: FragmentOf<typeof CustomerCardFragment>;
  /** Nothing can be changed: it is shown as of a moment in the past, or to somebody who only reads. */
  isFixed: boolean;
}

/** What is known about the customer, at the side of the timeline. */
export function CustomerCard({ customer, isFixed }: CardProps) {
  const card = readFragment(CustomerCardFragment, customer);
  const facts: [string, ReactNode][] = [
    [t("customers.column.territory"), card.territory],
    [t("customer.industry"), card.industry],
    [t("customer.accountType"), card.accountType],
    [t("customer.priority"), card.priority],
    [t("customers.column.owner"), card.owner],
    [t("customers.column.leadScore"), card.leadScore && number(Number(card.leadScore))],
    [t("customers.column.locale"), card.locale],
    [t("customer.timeZone"), card.timeZone],
    [t("customer.preferredHours"), card.preferredHours && preferredHours(card.preferredHours)],
    [t("customer.lastInbound"), card.lastInboundAt && <Time at={card.lastInboundAt} />],
    [t("customer.lastOutbound"), card.lastOutboundAt && <Time at={card.lastOutboundAt} />],
    [t("customers.column.registered"), <DateOnly key="registered" at={card.registeredAt} />],
    [t("customer.externalId"), card.externalId],
    [t("customer.id"), <CopyableId key="id" id={card.id} />],
  ];
  return (
    <div className={styles.card}>
      {card.tags.length > 0 ? (
        <ul className={styles.tags} aria-label={t("customers.column.tags")}>
          {card.tags.map((tag) => (
            <li key={tag}>
              <Badge title={tag}>{tag}</Badge>
            </li>
          ))}
        </ul>
      ) : null}
      <Addresses customer={card} />
      <section>
        <h2>{t("customer.business")}</h2>
        <dl className={styles.facts}>
          <Fact name={t("customers.column.orders")}>
            {card.orders > 0 ? <Orders count={card.orders} /> : number(0)}
          </Fact>
          {card.cancellations > 0 ? <Fact name={t("customer.cancellations")}>{number(card.cancellations)}</Fact> : null}
          {card.revenue.map(({ total }) => (
            <Fact key={total.currency} name={t("customers.column.revenue")}>
              <Money value={total} />
            </Fact>
          ))}
          {card.lastOrderAt ? (
            <Fact name={t("customer.lastOrder")}>
              <Time at={card.lastOrderAt} />
            </Fact>
          ) : null}
        </dl>
      </section>
      <Consents customer={card} isFixed={isFixed} />
      <section>
        <h2>{t("customer.details")}</h2>
        <dl className={styles.facts}>
          {facts.map(([name, value]) =>
            value ? (
              <Fact key={name} name={name}>
                {value}
              </Fact>
            ) : null,
          )}
        </dl>
      </section>
    </div>
  );
}

/** A number that leads to the orders in the timeline. */
function Orders({ count }: { count: number }) {
  const [url] = useUrlState(customerUrl);
  const search = customerUrl.params({ ...url, kinds: ["ORDER"], channels: [], pinned: false, part: "timeline" });
  return (
    <Link to="." search={search}>
      {number(count)}
    </Link>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}
