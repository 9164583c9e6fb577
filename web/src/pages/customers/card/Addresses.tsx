import { Bell, Mail, MonitorSmartphone, Phone } from "lucide-react";
import type { ReactNode } from "react";
import { type Enum, type FragmentOf, graphql, readFragment } from "../../../api/graphql";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import { exactly } from "../../../texts/format";
import styles from "./Addresses.module.css";

export const AddressesFragment = graphql(`
  fragment CustomerAddresses on Customer {
    addresses {
      id
      kind
      address
      label
      primary
      suppressions {
        active
        reason
        suppressedAt
      }
    }
  }
`);

const ICONS: Record<Enum<"AddressKind">, ReactNode> = {
  EMAIL: <Mail aria-hidden="true" />,
  PHONE: <Phone aria-hidden="true" />,
  PUSH_TOKEN: <Bell aria-hidden="true" />,
  IN_APP: <MonitorSmartphone aria-hidden="true" />,
};

export function Addresses({ customer }: { customer: FragmentOf<typeof AddressesFragment> }) {
  const { addresses } = readFragment(AddressesFragment, customer);
  return (
    <section>
      <h2>{t("customer.addresses")}</h2>
      {addresses.length === 0 ? <p className={styles.none}>{t("customer.noAddresses")}</p> : null}
      <ul className={styles.list}>
        {addresses.map((address) => (
          <li key={address.id} className={styles.address}>
            {ICONS[address.kind]}
            <div className={styles.words}>
              <bdi>{address.address ?? t("customer.hidden")}</bdi>
              <span className={styles.notes}>
                {address.primary ? <Badge>{t("customer.primary")}</Badge> : null}
                {address.label ? <Badge title={address.label}>{address.label}</Badge> : null}
                {address.suppressions
                  .filter((one) => one.active)
                  .map((one) => (
                    <Badge key={one.reason} tone="bad" title={exactly(one.suppressedAt)}>
                      {t(`suppressionReason.${one.reason}`)}
                    </Badge>
                  ))}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
