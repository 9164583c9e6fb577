import type { Enum, VariablesOf } from "../../api/graphql";
import { CHANNELS } from "../../components/Status";
import { flag, oneOf, optional, optionalOneOf, urlState } from "../../url/urlState";
import type { ConversationsQuery } from "./InboxQuery";

export const FOLDERS = ["mine", "unassigned", "open", "pending", "snoozed", "resolved"] as const;
export type Folder = (typeof FOLDERS)[number];

export const ORDERS = [
  "RECENTLY_ACTIVE",
  "LONGEST_WAITING",
  "MOST_URGENT",
  "NEWEST",
] as const satisfies readonly Enum<"ConversationOrder">[];

export const inboxUrl = urlState({
  folder: oneOf(FOLDERS, "open"),
  channel: optionalOneOf(CHANNELS),
  order: oneOf(ORDERS, "RECENTLY_ACTIVE"),
  unread: flag(),
  /** The UUID of the conversation that is shown. */
  c: optional(),
});

export type InboxState = ReturnType<typeof inboxUrl.parse>;
export type InboxFilter = NonNullable<VariablesOf<typeof ConversationsQuery>["filter"]>;

const STATES: Record<Folder, Enum<"ConversationState">[]> = {
  mine: ["OPEN", "PENDING"],
  unassigned: ["OPEN", "PENDING"],
  open: ["OPEN"],
  pending: ["PENDING"],
  snoozed: ["SNOOZED"],
  resolved: ["RESOLVED"],
};

/** What the API is asked for. Without a name, nothing is "mine". */
export function filterOf({ folder, channel, unread }: InboxState, me: string | undefined): InboxFilter {
  return {
    states: STATES[folder],
    assignee: folder === "mine" ? (me ?? "") : undefined,
    unassigned: folder === "unassigned" || undefined,
    channels: channel && [channel],
    unread: unread || undefined,
  };
}

interface Filed {
  state: Enum<"ConversationState">;
  channel: Enum<"Channel">;
  assignee: string | null;
  unread: number;
}

/** Whether a conversation that has changed belongs to what is shown. */
export function matches(conversation: Filed, filter: InboxFilter): boolean {
  return (
    (!filter.states || filter.states.includes(conversation.state)) &&
    (!filter.channels || filter.channels.includes(conversation.channel)) &&
    (filter.assignee === undefined || filter.assignee === conversation.assignee) &&
    (!filter.unassigned || conversation.assignee === null) &&
    (!filter.unread || conversation.unread > 0)
  );
}

interface Moving {
  id: string;
  changedAt: string;
  lastInboundAt: string | null;
  lastOutboundAt: string | null;
}

/** When somebody last wrote. Reading and assigning change a conversation too, but must not move it under the reader's eyes. */
export const movedAt = ({ changedAt, lastInboundAt, lastOutboundAt }: Omit<Moving, "id">): number =>
  Math.max(...[lastInboundAt, lastOutboundAt].map((at) => (at ? Date.parse(at) : 0))) || Date.parse(changedAt);

/** The rows as they stand now: each once, and those in which somebody wrote last first. */
export function arranged<Row extends Moving>(rows: readonly Row[], order: InboxState["order"]): Row[] {
  const once = [...new Map(rows.map((row) => [row.id, row])).values()];
  return order === "RECENTLY_ACTIVE" ? once.toSorted((a, b) => movedAt(b) - movedAt(a)) : once;
}
