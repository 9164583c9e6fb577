import { Link, useNavigate } from "@tanstack/react-router";
import { Plug, Plus } from "lucide-react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { useChanges } from "../../../api/useChanges";
import { LinkButton } from "../../../components/Button";
import { type Column, DataTable } from "../../../components/DataTable";
import { Empty } from "../../../components/Empty";
import { ChannelIcon } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { list, number, percent } from "../../../texts/format";
import { SettingsFrame } from "../SettingsFrame";
import { AccountState } from "./AccountState";
import styles from "./AccountsPage.module.css";
import { type Account, AccountsQuery } from "./AccountsQuery";

/** Of the messages that were taken lately, those of which a delivery was reported. */
function delivered({ delivery }: Account): string {
  const sum = (name: "taken" | "delivered") => delivery.reduce((total, one) => total + Number(one[name]), 0);
  return sum("taken") > 0 ? percent(sum("delivered") / sum("taken")) : "";
}

const rate = ({ perSecond, unit }: Account): string =>
  perSecond === 0 ? t("accounts.noLimit") : t(`accounts.rate.${unit}`, { rate: number(perSecond) });

const columns = (): Column<Account>[] => [
  {
    id: "name",
    header: t("accounts.column.account"),
    width: "minmax(152px, 1.4fr)",
    cell: (row) => (
      <Link
        to="/settings/accounts/$provider/$name"
        params={{ provider: row.provider, name: row.name }}
        className={styles.account}
        tabIndex={-1}
      >
        <bdi>{row.name}</bdi>
        <span>{row.provider}</span>
      </Link>
    ),
  },
  {
    id: "state",
    header: t("accounts.column.state"),
    width: "minmax(112px, 1fr)",
    cell: (row) => <AccountState account={row} />,
  },
  {
    id: "channels",
    header: t("accounts.column.channels"),
    width: "136px",
    isWide: true,
    cell: (row) => {
      const names = list(row.channels.map((channel) => t(`channel.${channel}`)));
      return (
        <span className={styles.channels} title={names} role="img" aria-label={names}>
          {row.channels.map((channel) => (
            <ChannelIcon key={channel} channel={channel} />
          ))}
        </span>
      );
    },
  },
  {
    id: "delivered",
    header: t("accounts.column.delivered"),
    width: "96px",
    isWide: true,
    isFigure: true,
    cell: delivered,
  },
  { id: "rate", header: t("accounts.column.rate"), width: "136px", isWide: true, isFigure: true, cell: rate },
  {
    id: "lastSent",
    header: t("accounts.column.lastSent"),
    width: "136px",
    isWide: true,
    cell: (row) => (row.lastSentAt ? <Time at={row.lastSentAt} /> : t("accounts.never")),
  },
  {
    id: "source",
    header: t("accounts.column.source"),
    width: "minmax(112px, 0.8fr)",
    isWide: true,
    cell: (row) => t(`accounts.source.${row.source}`),
  },
];

export function AccountsPage() {
  const navigate = useNavigate();
  const [{ data, error }, read] = useQuery({ query: AccountsQuery });
  useChanges(["provider_accounts", "messages"], () => read({ requestPolicy: "network-only" }));
  const add = (
    <LinkButton to="/settings/new-account" kind="primary" icon={<Plus aria-hidden="true" />}>
      {t("accounts.add")}
    </LinkButton>
  );
  const isSimulated = data?.accounts.some((account) => account.source === "SIMULATOR") ?? false;
  return (
    <SettingsFrame section="accounts" isTable actions={add}>
      <div className={styles.page}>
        {isSimulated ? <p className={styles.note}>{t("accounts.simulated")}</p> : null}
        <div className={styles.rows}>
          <DataTable
            label={t("settings.section.accounts")}
            columns={columns()}
            rows={data?.accounts ?? []}
            rowId={(row) => `${row.provider} ${row.name}`}
            rowHeight={52}
            onOpen={({ provider, name }) =>
              navigate({ to: "/settings/accounts/$provider/$name", params: { provider, name } })
            }
            isLoading={!data && !error}
            problem={error && problemOf(error)}
            onRetry={() => read({ requestPolicy: "network-only" })}
            empty={
              <Empty title={t("accounts.none")} icon={<Plug aria-hidden="true" />} action={add}>
                {t("accounts.noneHint")}
              </Empty>
            }
          />
        </div>
      </div>
    </SettingsFrame>
  );
}
