import { Link } from "@tanstack/react-router";
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { ChannelName } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { t } from "../../../texts";
import { number, percent } from "../../../texts/format";
import { messagesUrl } from "../../today/messages/messagesUrl";
import styles from "./AccountPage.module.css";
import type { Account } from "./AccountsQuery";

/** How the account does: what it sent lately, what it refused, whether its test passed. */
export function AccountHealth({ account }: { account: Account }) {
  const { lastErrorAt, lastErrorClass, lastErrorCode } = account;
  return (
    <Panel title={t("accounts.health")}>
      <Facts
        facts={[
          [t("accounts.reason"), account.reason],
          [t("accounts.pausedSince"), account.pausedSince && <Time at={account.pausedSince} />],
          [t("accounts.restingUntil"), account.restingUntil && <Time at={account.restingUntil} />],
          [t("accounts.column.source"), t(`accounts.source.${account.source}`)],
          [
            t("accounts.lastTest"),
            account.lastTestedAt && (
              <>
                {t(account.lastTestPassed ? "accounts.testPassed" : "accounts.testFailed")},{" "}
                <Time at={account.lastTestedAt} />
              </>
            ),
          ],
          [
            t("accounts.column.lastSent"),
            account.lastSentAt ? <Time key="sent" at={account.lastSentAt} /> : t("accounts.never"),
          ],
          [
            t("accounts.lastError"),
            lastErrorAt && (
              <>
                {[lastErrorClass && t(`retryClass.${lastErrorClass}`), lastErrorCode].filter(Boolean).join(": ")} (
                <Time at={lastErrorAt} />)
              </>
            ),
          ],
          [
            t("accounts.failedCalls"),
            account.calls > 0 &&
              t("accounts.ofCalls", { failed: number(account.failedCalls), calls: number(account.calls) }),
          ],
          [t("accounts.inFlight"), account.inFlight > 0 && number(account.inFlight)],
        ]}
      />
      {account.delivery.length > 0 ? (
        <table className={styles.delivery}>
          <caption className="hidden-visually">{t("accounts.delivery")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("accounts.column.channels")}</th>
              <th scope="col">{t("accounts.taken")}</th>
              <th scope="col">{t("accounts.column.delivered")}</th>
              <th scope="col">{t("accounts.latency")}</th>
            </tr>
          </thead>
          <tbody>
            {account.delivery.map((one) => (
              <tr key={one.channel}>
                <th scope="row">
                  <ChannelName channel={one.channel} />
                </th>
                <td>
                  <Link
                    to="/messages"
                    search={messagesUrl.params({
                      provider: account.provider,
                      account: account.name,
                      channels: [one.channel],
                      direction: "OUTBOUND",
                    })}
                  >
                    {number(Number(one.taken))}
                  </Link>
                </td>
                <td>{one.taken === "0" ? "" : percent(Number(one.delivered) / Number(one.taken))}</td>
                <td>
                  {one.latencyMs === null
                    ? ""
                    : t("accounts.seconds", { seconds: number(Math.round(Number(one.latencyMs) / 100) / 10) })}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </Panel>
  );
}
