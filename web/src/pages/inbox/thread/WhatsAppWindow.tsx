import { useNow } from "../../../components/Time";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import { windowClosesAt } from "./snooze";
import styles from "./WhatsAppWindow.module.css";

/** Whether WhatsApp takes free text now. The server decides; this says it before one has written. */
export function WhatsAppWindow({ lastInboundAt }: { lastInboundAt: string | null }) {
  const now = useNow();
  const closes = windowClosesAt(lastInboundAt);
  const isOpen = closes !== undefined && closes > now;
  return (
    <p className={isOpen ? styles.open : styles.closed}>
      {closes
        ? t(isOpen ? "inbox.window.open" : "inbox.window.closed", { time: dateTime(closes) })
        : t("inbox.window.never")}
    </p>
  );
}
