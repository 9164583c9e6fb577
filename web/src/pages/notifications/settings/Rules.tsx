import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { Facts } from "../../../components/Facts";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { date, dateTime, list } from "../../../texts/format";
import { Notice } from "../../campaigns/parts/Notice";
import styles from "../sections.module.css";
import { weekdayText } from "./weekday";

const RulesQuery = graphql(`
  query NotificationRules {
    policy {
      timeZone
      requireOptIn
      campaignApprovalFrom
      quietHours {
        channel
        from
        to
        action
      }
      caps {
        channel
        topic
        limit
        window
        hours
        action
      }
      blackout {
        dates
        action
      }
      weekdays {
        days
        action
      }
      emergencyOverride {
        reason
        until
        author {
          actor
          name
        }
      }
      tracking {
        opens
        clicks
        requireOptIn
        transactional
        shortLinks
        url
        untrackedTopics
      }
    }
  }
`);

type Policy = ResultOf<typeof RulesQuery>["policy"];

/** The rules that every message passes, to read; they are changed in the settings. */
export function Rules() {
  const viewer = useViewer();
  const [{ data, error }, read] = useQuery({ query: RulesQuery });
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <p className={styles.note}>{t("notifications.rulesHint")}</p>
        {viewer.role === "ADMIN" ? <Link to="/settings/policy">{t("notifications.change")}</Link> : null}
      </div>
      <Failure problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
      {!data && !error ? <Skeleton lines={10} /> : null}
      {data ? <Shown policy={data.policy} /> : null}
    </div>
  );
}

const yes = (is: boolean): string => t(is ? "notifications.on" : "notifications.off");

function Shown({ policy }: { policy: Policy }) {
  const viewer = useViewer();
  const { tracking, emergencyOverride: emergency } = policy;
  const channelText = (channel: Policy["caps"][number]["channel"]) =>
    channel ? t(`channel.${channel}`) : t("backTest.allChannels");
  return (
    <>
      {emergency ? (
        <Notice isWarning>
          {t("notifications.emergency", {
            until: dateTime(emergency.until),
            who: emergency.author.name ?? emergency.author.actor,
            reason: emergency.reason,
          })}
        </Notice>
      ) : null}
      <section className={styles.section}>
        <h2>{t("notifications.quietHours")}</h2>
        <Facts
          facts={[
            ...policy.quietHours.map(
              (one) =>
                [
                  channelText(one.channel),
                  t("notifications.quiet", {
                    from: one.from.slice(0, 5),
                    to: one.to.slice(0, 5),
                    action: t(`notifications.action.${one.action}`),
                  }),
                ] as const,
            ),
            [
              t("notifications.weekdays"),
              policy.weekdays.days.length === 0
                ? t("notifications.noneSet")
                : `${list(policy.weekdays.days.map(weekdayText))} · ${t(`notifications.action.${policy.weekdays.action}`)}`,
            ],
            [
              t("notifications.blackout"),
              policy.blackout.dates.length === 0
                ? t("notifications.noneSet")
                : `${list(policy.blackout.dates.map((one) => date(`${one}T00:00`)))} · ${t(`notifications.action.${policy.blackout.action}`)}`,
            ],
            [t("notifications.zone"), policy.timeZone ?? "UTC"],
          ]}
        />
      </section>
      <section className={styles.section}>
        <h2>{t("notifications.caps")}</h2>
        {policy.caps.length === 0 ? <p className={styles.note}>{t("notifications.noCaps")}</p> : null}
        <Facts
          facts={policy.caps.map((one) => [
            [channelText(one.channel), one.topic].filter(Boolean).join(" · "),
            `${t("notifications.capText", {
              count: one.limit,
              window:
                one.window === "ROLLING_HOURS"
                  ? t("notifications.rolling", { hours: one.hours ?? 24 })
                  : t(`notifications.window.${one.window}`),
            })} · ${t(`notifications.action.${one.action}`)}`,
          ])}
        />
      </section>
      <section className={styles.section}>
        <h2>{t("notifications.consentAndApproval")}</h2>
        <Facts
          facts={[
            [t("notifications.requireOptIn"), yes(policy.requireOptIn)],
            [
              t("notifications.approval"),
              policy.campaignApprovalFrom > 0
                ? t("plan.approvalFrom", { count: policy.campaignApprovalFrom })
                : t("notifications.off"),
            ],
          ]}
        />
      </section>
      <section className={styles.section}>
        <div className={styles.head}>
          <h2>{t("notifications.tracking")}</h2>
          {viewer.role === "ADMIN" ? <Link to="/settings/tracking">{t("notifications.change")}</Link> : null}
        </div>
        <Facts
          facts={[
            [t("notifications.opens"), yes(tracking.opens)],
            [t("notifications.clicks"), yes(tracking.clicks)],
            [t("notifications.trackingUrl"), tracking.url],
            [t("notifications.shortLinks"), yes(tracking.shortLinks)],
            [t("notifications.trackingOptIn"), yes(tracking.requireOptIn)],
            [t("notifications.trackingTransactional"), yes(tracking.transactional)],
            [t("notifications.untrackedTopics"), list(tracking.untrackedTopics)],
          ]}
        />
      </section>
    </>
  );
}
