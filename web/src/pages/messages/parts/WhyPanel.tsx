import { Json } from "../../../components/Json";
import { Panel } from "../../../components/Panel";
import { Badge, MessageStatus } from "../../../components/Status";
import { ruleName } from "../../../compose/rules";
import { explain } from "../../../compose/why";
import { t } from "../../../texts";
import { dateTime, exactly } from "../../../texts/format";
import type { MessageData } from "../MessageQuery";
import styles from "./WhyPanel.module.css";

/** Each decision about the message in words, with what was looked at. */
export function WhyPanel({ message }: { message: MessageData }) {
  const { reasons, direction } = message;
  if (reasons.length === 0) {
    return (
      <Panel title={t("message.why")}>
        <p className={styles.none}>{t(direction === "INBOUND" ? "message.whyInbound" : "message.whyNone")}</p>
      </Panel>
    );
  }
  return (
    <Panel title={t("message.why")}>
      <ol className={styles.reasons}>
        {reasons.map((reason) => (
          <li key={reason.eventId} className={styles.reason}>
            <p className={styles.head}>
              {reason.state === "REFUSED" ? (
                <Badge tone="bad">{t("message.reasonState.REFUSED")}</Badge>
              ) : (
                <MessageStatus state={reason.state} />
              )}
              {reason.reason && (reason.state === "HELD" || reason.state === "SUPPRESSED") ? (
                <span>{ruleName(reason.reason)}</span>
              ) : null}
              <time dateTime={reason.occurredAt} title={exactly(reason.occurredAt)}>
                {dateTime(reason.occurredAt)}
              </time>
            </p>
            <p className={styles.words} dir="auto">
              {explain(reason)}
            </p>
            {hasInputs(reason.inputs) ? (
              <details>
                <summary>{t("message.inputs")}</summary>
                <Json label={t("message.inputs")} value={reason.inputs} />
              </details>
            ) : null}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const hasInputs = (inputs: unknown): boolean =>
  typeof inputs === "object" && inputs !== null && Object.keys(inputs).length > 0;
