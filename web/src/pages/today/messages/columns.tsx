import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../../api/ids";
import type { Column } from "../../../components/DataTable";
import { Person } from "../../../components/Person";
import { ChannelName, MessageStatus } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import styles from "./MessagesPage.module.css";
import type { MessageRow } from "./MessagesQuery";

/** Why it stands where it stands, if something stopped it. */
const why = ({ reasons }: MessageRow): string =>
  reasons
    .map(({ reason, code }) => reason ?? code ?? "")
    .filter(Boolean)
    .join(", ");

export const columns = (): Column<MessageRow>[] => [
  {
    id: "customer",
    header: t("messages.column.customer"),
    width: "minmax(140px, 1fr)",
    cell: ({ customer }) =>
      customer ? (
        <Link
          to="/customers/$customerId"
          params={{ customerId: uuidOf(customer.id) }}
          className={styles.customer}
          tabIndex={-1}
        >
          <Person name={customer.name} isForgotten={customer.forgottenAt !== null} />
        </Link>
      ) : null,
  },
  {
    id: "channel",
    header: t("messages.column.channel"),
    width: "120px",
    isWide: true,
    cell: ({ channel }) => <ChannelName channel={channel} />,
  },
  {
    id: "content",
    header: t("messages.column.content"),
    width: "minmax(180px, 2fr)",
    isWide: true,
    cell: (row) => {
      const content = row.subject ?? row.preview ?? "";
      return (
        <bdi title={content} className={styles.content}>
          {content}
        </bdi>
      );
    },
  },
  {
    id: "state",
    header: t("messages.column.state"),
    width: "112px",
    cell: ({ state }) => <MessageStatus state={state} />,
  },
  {
    id: "why",
    header: t("messages.column.why"),
    width: "minmax(120px, 1fr)",
    isWide: true,
    cell: (row) => <span title={why(row)}>{why(row)}</span>,
  },
  {
    id: "created",
    header: t("messages.column.created"),
    width: "128px",
    isWide: true,
    cell: ({ createdAt }) => <Time at={createdAt} />,
  },
];
