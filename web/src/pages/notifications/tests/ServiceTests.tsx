import { FlaskConical } from "lucide-react";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button, LinkButton } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { Badge, ChannelName } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { toast } from "../../../components/Toast";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { Notice } from "../../campaigns/parts/Notice";
import styles from "../sections.module.css";

const AccountsQuery = graphql(`
  query ServiceTests {
    accounts {
      provider
      name
      channels
      source
      state
      reason
      lastTestedAt
      lastTestPassed
      lastSentAt
      lastErrorAt
      lastErrorCode
    }
  }
`);

const TestAccount = graphql(`
  mutation TestService($provider: String!, $name: String!, $idempotencyKey: String) {
    testAccount(provider: $provider, name: $name, idempotencyKey: $idempotencyKey) {
      passed
      errorCode
      errorClass
      refusal {
        code
        message
        field
      }
    }
  }
`);

type Account = ResultOf<typeof AccountsQuery>["accounts"][number];

/** Whether each service would take a message now: one button an account. */
export function ServiceTests() {
  const [{ data, error }, read] = useQuery({ query: AccountsQuery });
  const reload = () => read({ requestPolicy: "network-only" });
  const accounts = data?.accounts ?? [];
  const isSimulated = accounts.length > 0 && accounts.every((one) => one.source === "SIMULATOR");
  return (
    <div className={styles.page}>
      {isSimulated ? <Notice>{t("notifications.simulated")}</Notice> : null}
      <Failure problem={error && problemOf(error)} onRetry={reload} />
      {!data && !error ? <Skeleton lines={6} /> : null}
      {data && accounts.length === 0 ? (
        <Empty
          title={t("notifications.noAccounts")}
          action={<LinkButton to="/settings/accounts">{t("nav.settings")}</LinkButton>}
        >
          {t("notifications.noAccountsHint")}
        </Empty>
      ) : null}
      <ul className={styles.list}>
        {accounts.map((one) => (
          <Service key={`${one.provider}/${one.name}`} account={one} onTested={reload} />
        ))}
      </ul>
    </div>
  );
}

const TONES = { HEALTHY: "good", PAUSED: "warn", RESTING: "warn", SILENT: "warn", UNUSABLE: "bad" } as const;

function Service({ account, onTested }: { account: Account; onTested: () => void }) {
  const viewer = useViewer();
  const { run, running, refusal, problem } = useAction(TestAccount);
  const isSimulator = account.source === "SIMULATOR";
  const name = `${account.provider} / ${account.name}`;
  const test = async () => {
    const done = await run({ provider: account.provider, name: account.name });
    if (!done) return;
    const { passed, errorCode } = done.testAccount;
    toast(t(passed ? "notifications.passed" : "notifications.notPassed", { name, code: errorCode ?? "" }), {
      isProblem: !passed,
    });
    onTested();
  };
  return (
    <li className={styles.item}>
      <span className={styles.words}>
        <strong>
          <bdi>{name}</bdi> {isSimulator ? <Badge tone="accent">{t("notifications.simulator")}</Badge> : null}{" "}
          <Badge tone={TONES[account.state]}>{t(`notifications.accountState.${account.state}`)}</Badge>
        </strong>
        <span className={styles.row}>
          {account.channels.map((channel) => (
            <ChannelName key={channel} channel={channel} />
          ))}
        </span>
        {account.reason ? <bdi className={styles.note}>{account.reason}</bdi> : null}
        <Failure refusal={refusal} problem={problem} />
      </span>
      {isSimulator ? null : (
        <span className={styles.note}>
          {account.lastTestedAt ? (
            <>
              {t(account.lastTestPassed ? "notifications.testPassed" : "notifications.testFailed")}{" "}
              <Time at={account.lastTestedAt} />
            </>
          ) : (
            t("notifications.neverTested")
          )}
        </span>
      )}
      {viewer.role === "ADMIN" ? (
        <Button icon={<FlaskConical />} busy={running} onClick={test}>
          {t("notifications.test")}
        </Button>
      ) : null}
    </li>
  );
}
