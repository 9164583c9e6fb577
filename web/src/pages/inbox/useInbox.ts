import { useCallback, useMemo, useRef } from "react";
import { useQuery, useSubscription } from "urql";
import { readFragment } from "../../api/graphql";
import { usePages } from "../../api/usePages";
import { ConversationRowFragment, ConversationsQuery, CountsQuery, InboxChanges } from "./InboxQuery";
import { arranged, filterOf, type InboxState, matches } from "./inboxUrl";

/** The rows and counts of what the URL names, kept up to date while others work in the same inbox. */
export function useInbox(url: InboxState, me: string | undefined) {
  const filter = filterOf(url, me);
  const pages = usePages(
    ConversationsQuery,
    { filter, orderBy: url.order },
    { connection: (data) => data.conversations },
  );
  const read = pages.rows.map((row) => readFragment(ConversationRowFragment, row));
  const rows = arranged(
    read.filter((row) => matches(row, filter)),
    url.order,
  );

  const variables = useMemo(() => ({ me: me ?? "", hasName: me !== undefined }), [me]);
  const [{ data }, count] = useQuery({ query: CountsQuery, variables });
  // One count at a time: what changes meanwhile is counted once it is there.
  const isDue = useRef(false);
  const recount = useCallback(() => {
    if (isDue.current) return;
    isDue.current = true;
    requestIdleCallback(() => {
      isDue.current = false;
      count({ requestPolicy: "network-only" });
    });
  }, [count]);

  // Urql calls this while it renders: what it leads to comes right after.
  useSubscription({ query: InboxChanges }, (_, change) => {
    const changed = readFragment(ConversationRowFragment, change.inbox.conversation);
    const isKnown = pages.rows.some((row) => readFragment(ConversationRowFragment, row).id === changed?.id);
    if (changed && !isKnown && matches(changed, filter)) {
      queueMicrotask(url.order === "RECENTLY_ACTIVE" || url.order === "NEWEST" ? pages.loadNewer : pages.reload);
    }
    recount();
    return change;
  });

  return { ...pages, rows, counts: data?.inbox };
}

export type Inbox = ReturnType<typeof useInbox>;
