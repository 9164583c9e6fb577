import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { problemOf } from "../../api/problem";
import { useChanges } from "../../api/useChanges";
import { LinkButton } from "../../components/Button";
import { Failure } from "../../components/Failure";
import { Panel } from "../../components/Panel";
import { Skeleton } from "../../components/Skeleton";
import { t } from "../../texts";
import { percent } from "../../texts/format";
import { AccountState } from "../settings/accounts/AccountState";
import { type Account, AccountsQuery } from "../settings/accounts/AccountsQuery";
import styles from "./TodayPage.module.css";

/** "Email 98 %, SMS 99 %": of what each channel's provider took lately, what was delivered. */
const arrived = ({ delivery }: Account): string =>
  delivery
    .filter(({ taken }) => taken !== "0")
    .map(({ channel, delivered, taken }) => `${t(`channel.${channel}`)} ${percent(Number(delivered) / Number(taken))}`)
    .join(" · ");

/** Whether the accounts that send work. */
export function AccountsHealth() {
  const [{ data, error }, read] = useQuery({ query: AccountsQuery });
  const readAgain = () => read({ requestPolicy: "network-only" });
  useChanges(["provider_accounts", "messages"], readAgain);
  return (
    <Panel
      title={t("settings.section.accounts")}
      hint={t("today.accountsHint")}
      actions={
        <LinkButton to="/settings/accounts" kind="quiet">
          {t("today.all")}
        </LinkButton>
      }
    >
      <Failure problem={error && problemOf(error)} onRetry={readAgain} />
      {data || error ? null : <Skeleton lines={3} />}
      {data?.accounts.length === 0 ? <p className={styles.none}>{t("accounts.none")}</p> : null}
      <ul className={styles.rows}>
        {data?.accounts.map((account) => (
          <li key={`${account.provider} ${account.name}`}>
            <div>
              <Link
                to="/settings/accounts/$provider/$name"
                params={{ provider: account.provider, name: account.name }}
                className={styles.name}
              >
                {account.name} · {account.provider}
              </Link>
              <p className={styles.detail}>{account.reason ?? arrived(account)}</p>
            </div>
            <AccountState account={account} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
