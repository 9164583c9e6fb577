import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../../api/ids";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import { Notice } from "../../campaigns/parts/Notice";
import { reasonText } from "../../campaigns/parts/names";
import type { Sent } from "./SendQueries";

/** What the rules decided about the message that was just asked for. */
export function Decided({ sent }: { sent: Sent }) {
  if (!sent.decision) return null;
  return (
    <Notice isWarning={sent.decision !== "QUEUED"}>
      {t(`notifications.decided.${sent.decision}`, {
        rule: reasonText(sent.rule ?? ""),
        until: sent.heldUntil ? dateTime(sent.heldUntil) : "",
      })}{" "}
      {sent.messageId ? (
        <Link to="/messages/$messageId" params={{ messageId: uuidOf(sent.messageId) }}>
          {t("notifications.showMessage")}
        </Link>
      ) : null}
    </Notice>
  );
}
