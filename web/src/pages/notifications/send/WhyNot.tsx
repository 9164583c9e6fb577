import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleX } from "lucide-react";
import { uuidOf } from "../../../api/ids";
import type { Channel } from "../../../components/Status";
import { t } from "../../../texts";
import sections from "../sections.module.css";
import { checksFor } from "./checks";
import type { Receiver } from "./SendQueries";
import styles from "./WhyNot.module.css";

interface WhyNotProps {
  receiver: Receiver | undefined;
  channel: Channel;
  topic: string;
  isMarketing: boolean;
}

/** What speaks for and against a message to this customer, before it is sent. */
export function WhyNot({ receiver, ...message }: WhyNotProps) {
  const customer = receiver?.customer;
  return (
    <section className={sections.section}>
      <h2>{t("notifications.whyNot")}</h2>
      {receiver && customer ? (
        <>
          <ul className={styles.checks}>
            {checksFor(receiver, message).map((check) => (
              <li key={check.name} data-good={check.isGood}>
                {check.isGood ? <CircleCheck aria-hidden="true" /> : <CircleX aria-hidden="true" />}
                <span>
                  <strong>{t(`notifications.check.${check.isGood ? "good" : "bad"}`)}</strong> <bdi>{check.text}</bdi>
                </span>
              </li>
            ))}
          </ul>
          <p className={sections.note}>{t("notifications.whyNotHint")}</p>
          <Link to="/customers/$customerId" params={{ customerId: uuidOf(customer.id) }}>
            {t("notifications.showCustomer")}
          </Link>
        </>
      ) : (
        <p className={sections.note}>{t("notifications.chooseCustomer")}</p>
      )}
    </section>
  );
}
