import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { type Enum, type FragmentOf, graphql, type ResultOf, readFragment } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { Button, IconButton } from "../../../components/Button";
import { Facts } from "../../../components/Facts";
import { Badge, type Channel, ChannelName } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { exactly } from "../../../texts/format";
import { ConsentDialog } from "./ConsentDialog";
import styles from "./Consents.module.css";

export const ConsentsFragment = graphql(`
  fragment CustomerConsents on Customer {
    id
    consents {
      channel
      topic
      state
      method
      wording
      occurredAt
      recordedAt
      ip
      userAgent
      messageId
      eventId
      author {
        id
        name
      }
    }
  }
`);

type Consent = ResultOf<typeof ConsentsFragment>["consents"][number];

const TONES = { OPTED_IN: "good", OPTED_OUT: "bad", PENDING: "warn", NONE: "neutral" } as const satisfies Record<
  Enum<"ConsentState">,
  string
>;

interface ConsentsProps {
  customer: FragmentOf<typeof ConsentsFragment>;
  /** Nothing can be recorded. */
  isFixed: boolean;
}

/** To what the customer has agreed, and how it is known. */
export function Consents({ customer, isFixed }: ConsentsProps) {
  const { id, consents } = readFragment(ConsentsFragment, customer);
  const [changes, setChanges] = useState<{ channel?: Channel; topic?: string }>();
  return (
    <section>
      <div className={styles.line}>
        <h2>{t("customer.consent")}</h2>
        {isFixed ? null : (
          <IconButton label={t("customer.setConsent")} icon={<Plus />} onClick={() => setChanges({})} />
        )}
      </div>
      {consents.length === 0 ? <p className={styles.how}>{t("customer.noConsent")}</p> : null}
      <ul className={styles.list}>
        {consents.map((consent) => (
          <li key={`${consent.channel} ${consent.topic}`}>
            <div className={styles.line}>
              <ChannelName channel={consent.channel} />
              <Badge tone={TONES[consent.state]}>{t(`consentState.${consent.state}`)}</Badge>
            </div>
            <p className={styles.how}>
              <bdi>{consent.topic}</bdi> · <bdi>{consent.method}</bdi> · <Time at={consent.occurredAt} />
            </p>
            <Evidence consent={consent} onChange={isFixed ? undefined : () => setChanges(consent)} />
          </li>
        ))}
      </ul>
      {changes ? (
        <ConsentDialog
          customerId={id}
          channel={changes.channel}
          topic={changes.topic}
          onClose={() => setChanges(undefined)}
        />
      ) : null}
    </section>
  );
}

function Evidence({ consent, onChange }: { consent: Consent; onChange?: () => void }) {
  return (
    <details className={styles.evidence}>
      <summary>{t("customer.evidence.title")}</summary>
      <Facts
        facts={[
          [t("customer.evidence.wording"), consent.wording],
          [t("customer.evidence.by"), consent.author.name ?? consent.author.id],
          [t("customer.evidence.recorded"), exactly(consent.recordedAt)],
          [t("customer.evidence.ip"), consent.ip],
          [t("customer.evidence.userAgent"), consent.userAgent],
          [
            t("customer.evidence.message"),
            consent.messageId && (
              <Link key="message" to="/messages/$messageId" params={{ messageId: uuidOf(consent.messageId) }}>
                {t("message.shown")}
              </Link>
            ),
          ],
        ]}
      />
      {onChange ? <Button onClick={onChange}>{t("customer.setConsent")}</Button> : null}
    </details>
  );
}
