import { CHANNELS } from "../../components/Status";
import { oneOf, optional, text, urlState } from "../../url/urlState";

export const TABS = ["send", "bulk", "automated", "settings", "tests"] as const;

export const notificationsUrl = urlState({
  tab: oneOf(TABS, "send"),
  /** The UUID of the customer that is written to. */
  customer: optional(),
  channel: oneOf(CHANNELS, "EMAIL"),
  template: text(),
  topic: text("newsletter"),
  class: oneOf(["MARKETING", "TRANSACTIONAL"], "TRANSACTIONAL"),
  list: optional(),
});

export type NotificationsUrl = ReturnType<typeof notificationsUrl.parse>;
