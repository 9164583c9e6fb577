import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../api/ids";
import type { Column } from "../../components/DataTable";
import { Money } from "../../components/Money";
import { Person } from "../../components/Person";
import { Badge } from "../../components/Status";
import { DateOnly, Time } from "../../components/Time";
import { t } from "../../texts";
import { number } from "../../texts/format";
import type { CustomerRow } from "./CustomersQuery";
import styles from "./columns.module.css";
import type { ColumnName } from "./customersUrl";

type Look = Omit<Column<CustomerRow>, "id" | "header">;

/** The primary address of a kind, otherwise the first one. */
function addressOf(customer: CustomerRow, kind: "EMAIL" | "PHONE"): string | null {
  const all = customer.addresses.filter((address) => address.kind === kind);
  return (all.find((address) => address.primary) ?? all[0])?.address ?? null;
}

const text = (value: string | null) => <bdi title={value ?? undefined}>{value}</bdi>;

/** Either side's last message. */
const lastContact = ({ lastInboundAt, lastOutboundAt }: CustomerRow): string | undefined =>
  [lastInboundAt, lastOutboundAt]
    .filter((at) => at !== null)
    .toSorted()
    .at(-1);

const LOOKS: Record<ColumnName, Look> = {
  email: { width: "minmax(180px, 1.4fr)", isWide: true, cell: (row) => text(addressOf(row, "EMAIL")) },
  phone: { width: "148px", isWide: true, cell: (row) => text(addressOf(row, "PHONE")) },
  tags: {
    width: "minmax(120px, 1fr)",
    isWide: true,
    cell: (row) => (
      <span className={styles.tags} title={row.tags.join(", ")}>
        {row.tags.map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
      </span>
    ),
  },
  territory: { width: "minmax(96px, 0.7fr)", isWide: true, cell: (row) => text(row.territory) },
  locale: { width: "80px", isWide: true, cell: (row) => text(row.locale) },
  owner: { width: "minmax(96px, 0.7fr)", isWide: true, cell: (row) => text(row.owner) },
  leadScore: {
    width: "88px",
    isWide: true,
    isFigure: true,
    cell: (row) => row.leadScore && number(Number(row.leadScore)),
  },
  lastContact: {
    width: "128px",
    cell: (row) => {
      const at = lastContact(row);
      return at ? <Time at={at} /> : <span className={styles.none}>{t("customers.neverContacted")}</span>;
    },
  },
  orders: { width: "80px", isWide: true, isFigure: true, cell: (row) => number(row.orders) },
  revenue: {
    width: "132px",
    isWide: true,
    isFigure: true,
    cell: (row) => row.revenue.map(({ total }) => <Money key={total.currency} value={total} />),
  },
  registered: { width: "120px", isWide: true, cell: (row) => <DateOnly at={row.registeredAt} /> },
};

export function columnsFor(names: readonly ColumnName[]): Column<CustomerRow>[] {
  const name: Column<CustomerRow> = {
    id: "name",
    header: t("customers.column.name"),
    width: "minmax(160px, 1.4fr)",
    cell: (row) => (
      <Link to="/customers/$customerId" params={{ customerId: uuidOf(row.id) }} className={styles.name} tabIndex={-1}>
        <Person name={row.name} isForgotten={row.forgottenAt !== null} />
      </Link>
    ),
  };
  return [name, ...names.map((id) => ({ id, header: t(`customers.column.${id}`), ...LOOKS[id] }))];
}
