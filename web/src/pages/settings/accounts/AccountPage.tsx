import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { useChanges } from "../../../api/useChanges";
import { LinkButton } from "../../../components/Button";
import { CopyText } from "../../../components/CopyText";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { PageHeader } from "../../../components/PageHeader";
import { Panel } from "../../../components/Panel";
import { toast } from "../../../components/Toast";
import { PageSkeleton } from "../../../shell/PageSkeleton";
import { t } from "../../../texts";
import { accountRoute } from "../routes";
import { AccountActions } from "./AccountActions";
import { AccountForm } from "./AccountForm";
import { AccountHealth } from "./AccountHealth";
import styles from "./AccountPage.module.css";
import { AccountState } from "./AccountState";
import { AccountsQuery, ProvidersQuery } from "./AccountsQuery";
import { RateForm } from "./RateForm";

export function AccountPage() {
  const { provider, name } = accountRoute.useParams();
  return <AccountOf key={`${provider} ${name}`} provider={provider} name={name} />;
}

function AccountOf({ provider: providerName, name }: { provider: string; name: string }) {
  const [{ data, error }, read] = useQuery({ query: AccountsQuery });
  const [{ data: known }] = useQuery({ query: ProvidersQuery, requestPolicy: "cache-first" });
  const readAgain = () => read({ requestPolicy: "network-only" });
  useChanges(["provider_accounts", "messages"], readAgain);
  if (!data && !error) return <PageSkeleton />;

  const account = data?.accounts.find((one) => one.provider === providerName && one.name === name);
  const provider = known?.providers.find((one) => one.name === providerName);
  const above = <Link to="/settings/accounts">{t("settings.section.accounts")}</Link>;
  if (!account) {
    return (
      <>
        <PageHeader title={name} above={above} />
        {error ? (
          <div className={styles.page}>
            <Failure problem={problemOf(error)} onRetry={readAgain} />
          </div>
        ) : (
          <Empty
            title={t("accounts.unknown")}
            action={<LinkButton to="/settings/accounts">{t("settings.section.accounts")}</LinkButton>}
          >
            {t("accounts.unknownHint")}
          </Empty>
        )}
      </>
    );
  }

  const isOurs = account.source === "API";
  return (
    <>
      <PageHeader
        title={`${account.name} · ${provider?.title ?? account.provider}`}
        above={above}
        actions={<AccountActions account={account} onChanged={readAgain} />}
      >
        <bdi>{account.name}</bdi> · {provider?.title ?? account.provider} <AccountState account={account} />
      </PageHeader>
      <div className={styles.page}>
        {account.webhookUrl ? (
          <Panel title={t("accounts.webhook")} hint={t("accounts.webhookHint")}>
            <CopyText label={t("accounts.webhookUrl")} text={account.webhookUrl} />
          </Panel>
        ) : null}
        <AccountHealth account={account} />
        {isOurs && provider ? (
          <AccountForm
            provider={provider}
            account={account}
            onSaved={() => {
              toast(t("common.saved"));
              readAgain();
            }}
          />
        ) : (
          <>
            {account.source === "SIMULATOR" ? null : <RateForm account={account} onChanged={readAgain} />}
            <p className={styles.note}>{t(`accounts.sourceHint.${account.source}`)}</p>
          </>
        )}
      </div>
    </>
  );
}
