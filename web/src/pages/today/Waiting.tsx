import { Link, type LinkProps } from "@tanstack/react-router";
import { useQuery } from "urql";
import { graphql } from "../../api/graphql";
import { problemOf } from "../../api/problem";
import { useChanges } from "../../api/useChanges";
import { Failure } from "../../components/Failure";
import { Skeleton } from "../../components/Skeleton";
import { useViewer } from "../../session/viewer";
import { type TextKey, t } from "../../texts";
import { number } from "../../texts/format";
import { inboxUrl } from "../inbox/inboxUrl";
import { messagesUrl } from "./messages/messagesUrl";
import styles from "./TodayPage.module.css";

const WaitingQuery = graphql(`
  query Waiting($isAdmin: Boolean!) {
    inbox {
      all {
        unread
      }
      unassigned {
        open
      }
    }
    inDoubt: messages(first: 1, filter: { states: [IN_DOUBT] }) {
      totalCount
      totalCountIsExact
    }
    held: messages(first: 1, filter: { states: [HELD] }) {
      totalCount
      totalCountIsExact
    }
    deferred: messages(first: 1, filter: { states: [DEFERRED] }) {
      totalCount
      totalCountIsExact
    }
    queued: messages(first: 1, filter: { states: [QUEUED] }) {
      totalCount
      totalCountIsExact
    }
    parked @include(if: $isAdmin) {
      eventId
    }
  }
`);

interface Figure {
  name: TextKey;
  count: number;
  isExact?: boolean;
  link: Pick<LinkProps, "to" | "search">;
}

/** What waits for somebody, each figure with the rows behind it. */
export function Waiting() {
  const isAdmin = useViewer().role === "ADMIN";
  const [{ data, error }, read] = useQuery({ query: WaitingQuery, variables: { isAdmin } });
  const readAgain = () => read({ requestPolicy: "network-only" });
  useChanges(["messages", "conversations"], readAgain);
  if (!data && error) return <Failure problem={problemOf(error)} onRetry={readAgain} />;

  const waiting = (
    name: "inDoubt" | "held" | "deferred" | "queued",
    state: Parameters<typeof stateLink>[0],
  ): Figure => ({
    name: `today.${name}`,
    count: data?.[name].totalCount ?? 0,
    isExact: data?.[name].totalCountIsExact,
    link: stateLink(state),
  });
  const figures: Figure[] = [
    {
      name: "today.unread",
      count: data?.inbox.all.unread ?? 0,
      link: { to: "/inbox", search: inboxUrl.params({ unread: true }) },
    },
    {
      name: "today.unassigned",
      count: data?.inbox.unassigned.open ?? 0,
      link: { to: "/inbox", search: inboxUrl.params({ folder: "unassigned" }) },
    },
    waiting("inDoubt", "IN_DOUBT"),
    waiting("held", "HELD"),
    waiting("deferred", "DEFERRED"),
    waiting("queued", "QUEUED"),
    ...(isAdmin
      ? [{ name: "today.parked" as const, count: data?.parked?.length ?? 0, link: { to: "/settings/system" as const } }]
      : []),
  ];
  return (
    <section aria-label={t("today.waiting")} aria-live="polite">
      <ul className={styles.waiting}>
        {figures.map(({ name, count, isExact = true, link }) => (
          <li key={name}>
            <Link {...link} data-none={count === 0 || undefined}>
              <strong>{data ? `${number(count)}${isExact ? "" : "+"}` : <Skeleton width="40%" />}</strong>
              <span>{t(name)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

const stateLink = (state: "IN_DOUBT" | "HELD" | "DEFERRED" | "QUEUED") => ({
  to: "/messages" as const,
  search: messagesUrl.params({ states: [state] }),
});
