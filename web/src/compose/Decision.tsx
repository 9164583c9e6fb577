import { Link } from "@tanstack/react-router";
import type { ResultOf } from "../api/graphql";
import { uuidOf } from "../api/ids";
import { t } from "../texts";
import { dateTime } from "../texts/format";
import styles from "./Decision.module.css";
import { ruleName } from "./rules";
import type { SendMessage } from "./SendMessage";

export type Sent = ResultOf<typeof SendMessage>["sendMessage"];

/** What the rules said to a message that was just written, if they did not simply let it pass. */
export function Decision({ sent }: { sent: Sent }) {
  const { decision, messageId, heldUntil } = sent;
  if (!messageId || decision === "QUEUED" || decision === null) return null;
  const rule = ruleName(sent.rule ?? "");
  return (
    <p className={styles.decision} role="status">
      {decision === "HELD" && heldUntil
        ? t("inbox.heldUntil", { time: dateTime(heldUntil), rule })
        : t("inbox.notSent", { rule })}{" "}
      <Link to="/messages/$messageId" params={{ messageId: uuidOf(messageId) }}>
        {t("inbox.whyLink")}
      </Link>
    </p>
  );
}
