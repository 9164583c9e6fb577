import { Plus } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Button } from "../../../components/Button";
import { type Column, DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { Badge } from "../../../components/Status";
import { DateOnly, Time } from "../../../components/Time";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { list } from "../../../texts/format";
import { flag, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import { SettingsFrame } from "../SettingsFrame";
import { IssueKey } from "./IssueKey";
import styles from "./KeysPage.module.css";
import { type Key, KeysQuery } from "./KeysQuery";
import { RevokeKey } from "./RevokeKey";

const keysUrl = urlState({ issue: flag() });

export function KeysPage() {
  const viewer = useViewer();
  const [url, setUrl] = useUrlState(keysUrl);
  const [revoked, setRevoked] = useState<Key>();
  const [{ data, error }, read] = useQuery({ query: KeysQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  const issue = (
    <Button kind="primary" icon={<Plus aria-hidden="true" />} onClick={() => setUrl({ issue: true })}>
      {t("keys.issue")}
    </Button>
  );
  return (
    <SettingsFrame section="keys" isTable actions={issue}>
      <DataTable
        label={t("settings.section.keys")}
        columns={columns(viewer.keyId, setRevoked)}
        rows={data?.apiKeys ?? []}
        rowId={(row) => row.id}
        isLoading={!data && !error}
        problem={error && problemOf(error)}
        onRetry={readAgain}
        empty={
          <Empty title={t("keys.none")} action={issue}>
            {t("keys.noneHint")}
          </Empty>
        }
      />
      {url.issue ? <IssueKey onIssued={readAgain} onClose={() => setUrl({ issue: false })} /> : null}
      {revoked ? <RevokeKey apiKey={revoked} onClose={() => setRevoked(undefined)} /> : null}
    </SettingsFrame>
  );
}

/** What the key may do beyond its role's reading. */
function rights(key: Key): string {
  const names = [
    key.send && t("keys.right.send"),
    key.personal && t("keys.right.personal"),
    key.actsForUsers && t("keys.right.actsForUsers"),
  ];
  return list(names.filter((name) => name !== false));
}

const columns = (own: string, onRevoke: (key: Key) => void): Column<Key>[] => [
  {
    id: "label",
    header: t("keys.column.label"),
    width: "minmax(136px, 1.4fr)",
    cell: (row) => (
      <>
        {/* A key of somebody who signed in stands for the person. */}
        <bdi title={row.label}>{row.user ? (row.user.name ?? row.user.id) : row.label}</bdi>{" "}
        {row.user ? <Badge>{t("keys.signIn")}</Badge> : null}{" "}
        {row.id === own ? <Badge tone="accent">{t("keys.own")}</Badge> : null}
      </>
    ),
  },
  { id: "role", header: t("keys.column.role"), width: "128px", isWide: true, cell: (row) => t(`role.${row.role}`) },
  {
    id: "rights",
    header: t("keys.column.rights"),
    width: "minmax(160px, 1.6fr)",
    isWide: true,
    cell: (row) => <span title={rights(row)}>{rights(row)}</span>,
  },
  {
    id: "issued",
    header: t("keys.column.issued"),
    width: "120px",
    isWide: true,
    cell: (row) => <DateOnly at={row.issuedAt} />,
  },
  {
    id: "expires",
    header: t("keys.column.expires"),
    width: "120px",
    isWide: true,
    cell: (row) => (row.expiresAt ? <Time at={row.expiresAt} /> : t("keys.neverExpires")),
  },
  {
    id: "state",
    header: t("keys.column.state"),
    width: "minmax(136px, 0.8fr)",
    cell: (row) =>
      row.revokedAt ? (
        <span>
          {t("keys.revoked")} <Time at={row.revokedAt} />
        </span>
      ) : (
        <span className={styles.revoke}>
          <Button kind="quiet" onClick={() => onRevoke(row)}>
            {t("keys.revoke")}
            <span className="hidden-visually">{row.label}</span>
          </Button>
        </span>
      ),
  },
];
