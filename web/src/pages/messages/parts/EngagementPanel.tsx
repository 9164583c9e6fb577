import { Panel } from "../../../components/Panel";
import { Badge } from "../../../components/Status";
import { t } from "../../../texts";
import { dateTime, exactly, number } from "../../../texts/format";
import { engagementOf } from "../attempts";
import type { LogEntry, MessageData } from "../MessageQuery";
import styles from "./EngagementPanel.module.css";

/** Opens and clicks: all that were reported, and which of them a person made. */
export function EngagementPanel({ message, entries }: { message: MessageData; entries: readonly LogEntry[] }) {
  const reported = engagementOf(entries);
  return (
    <Panel title={t("message.engagement")} hint={t("message.engagementHint")}>
      <table className={styles.table}>
        <thead>
          <tr>
            <td />
            {(["human", "machine", "raw"] as const).map((column) => (
              <th key={column} scope="col">
                {t(`message.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(["opens", "clicks"] as const).map((kind) => (
            <tr key={kind}>
              <th scope="row">{t(`message.${kind}`)}</th>
              <td>{number(message[kind].human)}</td>
              <td>{number(message[kind].machine)}</td>
              <td>{number(message[kind].total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {reported.length > 0 ? (
        <ol className={styles.reported}>
          {reported.map(({ id, kind, at, class: of }) => (
            <li key={id}>
              {t(`message.${kind}`)}
              <Badge tone={of === "human" ? "good" : "neutral"}>
                {of === "human" || of === "machine" ? t(`message.${of}`) : of}
              </Badge>
              <time dateTime={at} title={exactly(at)}>
                {dateTime(at)}
              </time>
            </li>
          ))}
        </ol>
      ) : null}
    </Panel>
  );
}
