import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { streamOf } from "../streams";
import styles from "./EventPage.module.css";
import { ChainQuery, type LogEvent } from "./EventQuery";

interface Part {
  id: string;
  type: string;
  version: number;
  hash: string;
}

/** The events around this one in its stream: each hash covers the event and the hash before it. */
export function Chain({ event }: { event: LogEvent }) {
  const stream = streamOf(event.stream);
  return (
    <Panel title={t("event.chain")} hint={t("event.chainHint")}>
      {stream ? <Parts event={event} stream={stream} /> : <ChainList parts={[event]} current={event.id} />}
    </Panel>
  );
}

function Parts({ event, stream }: { event: LogEvent; stream: NonNullable<ReturnType<typeof streamOf>> }) {
  const [{ data, error }, read] = useQuery({ query: ChainQuery, variables: { stream, position: event.position } });
  if (error) return <Failure problem={problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton lines={7} />;
  return <ChainList parts={[...data.before.nodes, event, ...data.after.nodes]} current={event.id} />;
}

const ChainList = ({ parts, current }: { parts: readonly Part[]; current: string }) => (
  <ol className={styles.chain}>
    {parts.map((part) => (
      <li key={part.id} aria-current={part.id === current ? "true" : undefined}>
        <span className={styles.version}>@{part.version}</span>
        <span className={styles.link}>
          {part.id === current ? (
            <strong>{part.type}</strong>
          ) : (
            <Link to="/audit/events/$eventId" params={{ eventId: uuidOf(part.id) }}>
              {part.type}
            </Link>
          )}
          <code title={part.hash}>{part.id === current ? part.hash : `${part.hash.slice(0, 16)}…`}</code>
        </span>
      </li>
    ))}
  </ol>
);
