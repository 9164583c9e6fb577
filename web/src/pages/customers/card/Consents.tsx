import { type Enum, type FragmentOf, graphql, readFragment } from "../../../api/graphql";
import { Badge, ChannelName } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import styles from "./Consents.module.css";

export const ConsentsFragment = graphql(`
  fragment CustomerConsents on Customer {
    consents {
      channel
      topic
      state
      method
      wording
      occurredAt
    }
  }
`);

const TONES = { OPTED_IN: "good", OPTED_OUT: "bad", PENDING: "warn", NONE: "neutral" } as const satisfies Record<
  Enum<"ConsentState">,
  string
>;

/** To what the customer has agreed, and how. */
export function Consents({ customer }: { customer: FragmentOf<typeof ConsentsFragment> }) {
  const { consents } = readFragment(ConsentsFragment, customer);
  return (
    <section>
      <h2>{t("customer.consent")}</h2>
      {consents.length === 0 ? <p className={styles.how}>{t("customer.noConsent")}</p> : null}
      <ul className={styles.list}>
        {consents.map((consent) => (
          <li key={`${consent.channel} ${consent.topic}`}>
            <div className={styles.line}>
              <ChannelName channel={consent.channel} />
              <Badge tone={TONES[consent.state]}>{t(`consentState.${consent.state}`)}</Badge>
            </div>
            <p className={styles.how} title={consent.wording ?? undefined}>
              <bdi>{consent.topic}</bdi> · <bdi>{consent.method}</bdi> · <Time at={consent.occurredAt} />
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
