import { Link } from "@tanstack/react-router";
import { useQuery, useSubscription } from "urql";
import { uuidOf } from "../../api/ids";
import { problemOf } from "../../api/problem";
import { usePages } from "../../api/usePages";
import { LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { MessageStatus } from "../../components/Status";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { MessageActions } from "./MessageActions";
import styles from "./MessagePage.module.css";
import { HistoryQuery, MessageChanges, type MessageData, MessageQuery } from "./MessageQuery";
import { Attempts } from "./parts/Attempts";
import { Content } from "./parts/Content";
import { EngagementPanel } from "./parts/EngagementPanel";
import { LogEntries } from "./parts/LogEntries";
import { MessageFacts } from "./parts/MessageFacts";
import { States } from "./parts/States";
import { WhyPanel } from "./parts/WhyPanel";
import { messageRoute } from "./routes";

export function MessagePage() {
  const { messageId } = messageRoute.useParams();
  return <Message key={messageId} id={messageId} />;
}

function Message({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: MessageQuery, variables: { id } });
  const again = () => read({ requestPolicy: "network-only" });
  if (data?.message) return <Shown message={data.message} onChange={again} />;
  if (!data && !error) return <PageSkeleton />;
  return (
    <>
      <PageHeader title={t("message.unknown")} />
      {error ? (
        <div className={styles.failure}>
          <Failure problem={problemOf(error)} onRetry={again} />
        </div>
      ) : (
        <Empty title={t("message.unknown")} action={<LinkButton to="/customers">{t("nav.customers")}</LinkButton>}>
          {t("message.unknownHint")}
        </Empty>
      )}
    </>
  );
}

function Shown({ message, onChange }: { message: MessageData; onChange: () => void }) {
  const history = usePages(HistoryQuery, { id: message.id }, { connection: (data) => data.message?.history });
  const refresh = () => {
    onChange();
    history.reload();
  };
  // Urql calls this while it renders: what it leads to comes right after.
  useSubscription({ query: MessageChanges, variables: { customerId: message.customerId } }, (_, change) => {
    if (change.timeline.message?.messageId === message.id) queueMicrotask(refresh);
    return change;
  });

  const title = message.subject ?? `${t("message.title")} · ${t(`channel.${message.channel}`)}`;
  return (
    <>
      <PageHeader
        title={title}
        above={
          <Link to="/customers/$customerId" params={{ customerId: uuidOf(message.customerId) }}>
            <bdi>
              {message.customer?.forgottenAt
                ? t("customers.forgotten")
                : (message.customer?.name ?? t("customers.nameless"))}
            </bdi>
          </Link>
        }
        actions={<MessageActions message={message} onDone={refresh} />}
      >
        <span className={styles.title}>
          <bdi className={styles.subject}>{title}</bdi>
          <MessageStatus state={message.state} />
        </span>
      </PageHeader>
      <div className={styles.columns}>
        <div className={styles.main}>
          <States message={message} />
          <WhyPanel message={message} />
          <Content message={message} />
          {message.direction === "OUTBOUND" ? (
            <>
              <Attempts entries={history.rows} isLoading={history.isLoading} />
              <EngagementPanel message={message} entries={history.rows} />
            </>
          ) : null}
          <LogEntries history={history} />
        </div>
        <aside className={styles.facts} aria-label={t("message.facts")}>
          <MessageFacts message={message} />
        </aside>
      </div>
    </>
  );
}
