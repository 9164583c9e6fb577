import { Panel } from "../../../components/Panel";
import { MessageStatus } from "../../../components/Status";
import { t } from "../../../texts";
import { dateTime, exactly } from "../../../texts/format";
import type { MessageData } from "../MessageQuery";
import styles from "./States.module.css";

/** Every state that the message reached, on a line in the order of the first time. */
export function States({ message }: { message: MessageData }) {
  return (
    <Panel title={t("message.states")}>
      <ol className={styles.line}>
        {message.milestones.map(({ state, count, firstAt }) => (
          <li key={state} className={styles.step}>
            <MessageStatus state={state} />
            <time dateTime={firstAt} title={exactly(firstAt)}>
              {dateTime(firstAt)}
            </time>
            {count > 1 ? <span>{t("message.times", { count })}</span> : null}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
