import { Link, useNavigate } from "@tanstack/react-router";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { PageHeader } from "../../../components/PageHeader";
import { ChannelName } from "../../../components/Status";
import { toast } from "../../../components/Toast";
import { PageSkeleton } from "../../../shell/PageSkeleton";
import { t } from "../../../texts";
import { optional, urlState } from "../../../url/urlState";
import { useUrlState } from "../../../url/useUrlState";
import { AccountForm } from "./AccountForm";
import styles from "./AccountPage.module.css";
import { ProvidersQuery } from "./AccountsQuery";

export const newAccountUrl = urlState({ provider: optional() });

/** First the provider, then its form. */
export function NewAccountPage() {
  const navigate = useNavigate();
  const [url] = useUrlState(newAccountUrl);
  const [{ data, error }, read] = useQuery({ query: ProvidersQuery, requestPolicy: "cache-first" });
  if (!data && !error) return <PageSkeleton />;
  const provider = data?.providers.find(({ name }) => name === url.provider);
  return (
    <>
      <PageHeader
        title={provider ? t("accounts.addOf", { provider: provider.title }) : t("accounts.add")}
        above={
          provider ? (
            <Link to="/settings/new-account">{t("accounts.add")}</Link>
          ) : (
            <Link to="/settings/accounts">{t("settings.section.accounts")}</Link>
          )
        }
      />
      <div className={styles.page}>
        <Failure problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
        {provider ? (
          <AccountForm
            key={provider.name}
            provider={provider}
            onSaved={(name) => {
              toast(t("accounts.setUpDone", { name }));
              void navigate({
                to: "/settings/accounts/$provider/$name",
                params: { provider: provider.name, name },
              });
            }}
          />
        ) : (
          <ul className={styles.providers}>
            {data?.providers.map(({ name, title, channels }) => (
              <li key={name}>
                <Link to="/settings/new-account" search={newAccountUrl.params({ provider: name })}>
                  <strong>{title}</strong>
                  <span>
                    {channels.map((channel) => (
                      <ChannelName key={channel} channel={channel} />
                    ))}
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}
