import { Link } from "@tanstack/react-router";
import { Repeat } from "lucide-react";
import { useEffect } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { usePages } from "../../../api/usePages";
import { LinkButton } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import { CampaignStatus } from "../../campaigns/parts/CampaignStatus";
import { campaignName } from "../../campaigns/parts/names";
import { startText } from "../../campaigns/parts/startText";
import { draftToUrl, EMPTY_DRAFT } from "../../campaigns/plan/draft";
import { planUrl } from "../../campaigns/plan/planUrl";
import styles from "../sections.module.css";

const RecurringQuery = graphql(`
  query RecurringCampaigns($after: String, $before: String, $first: Int, $last: Int) {
    campaigns(after: $after, before: $before, first: $first, last: $last) {
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      nodes {
        id
        name
        state
        startAt
        missed
        series {
          id
        }
        plan {
          channel
          start {
            at
            cron
            localDate
            localTime
            observations
            spreadMinutes
            until
            zone
          }
        }
      }
    }
  }
`);

const BySelfQuery = graphql(`
  query RunsByItself {
    policy {
      autoResolveMinutes
    }
  }
`);

/** What writes to people without anybody pressing a button. */
export function Automated() {
  const pages = usePages(RecurringQuery, {}, { connection: (data) => data.campaigns, size: 200 });
  const { hasMore, isLoadingMore, loadMore } = pages;
  // Recurring ones may stand anywhere in the list of campaigns, which has no filter.
  useEffect(() => {
    if (hasMore && !isLoadingMore) loadMore();
  }, [hasMore, isLoadingMore, loadMore]);
  const recurring = pages.rows.filter((one) => one.plan?.start.cron && !one.series);
  return (
    <div className={styles.page}>
      <section className={styles.section}>
        <div className={styles.head}>
          <h2>{t("notifications.recurring")}</h2>
          <LinkButton
            to="/campaigns/new"
            search={planUrl.params({ plan: draftToUrl({ ...EMPTY_DRAFT, start: "recurring" }) })}
            icon={<Repeat />}
          >
            {t("notifications.newRecurring")}
          </LinkButton>
        </div>
        <Failure problem={pages.error && problemOf(pages.error)} onRetry={pages.reload} />
        {pages.isLoading ? <Skeleton lines={4} /> : null}
        {!pages.isLoading && recurring.length === 0 ? (
          <Empty title={t("notifications.noRecurring")}>{t("notifications.noRecurringHint")}</Empty>
        ) : null}
        <ul className={styles.list}>
          {recurring.map((one) => (
            <li key={one.id} className={styles.item}>
              <span className={styles.words}>
                <Link to="/campaigns/$campaignId" params={{ campaignId: uuidOf(one.id) }}>
                  <bdi>{campaignName(one)}</bdi>
                </Link>
                <span className={styles.note}>{one.plan ? startText(one.plan.start) : null}</span>
              </span>
              {one.plan ? <ChannelName channel={one.plan.channel} /> : null}
              <span className={styles.note}>
                {one.startAt ? t("notifications.next", { at: dateTime(one.startAt) }) : t("notifications.noNext")}
                {one.missed > 0 ? ` · ${t("notifications.missed", { count: one.missed })}` : null}
              </span>
              <CampaignStatus state={one.state} />
            </li>
          ))}
        </ul>
      </section>
      <BySelf />
    </div>
  );
}

/** What commlog does by itself, with where it is set. */
function BySelf() {
  const [{ data }] = useQuery({ query: BySelfQuery });
  const minutes = data?.policy.autoResolveMinutes ?? 0;
  const rules = ["stop", "optIn", "bounce", "thresholds"] as const;
  return (
    <section className={styles.section}>
      <h2>{t("notifications.byItself")}</h2>
      <ul className={styles.list}>
        {rules.map((rule) => (
          <li key={rule} className={styles.item}>
            <span className={styles.words}>
              <strong>{t(`notifications.rule.${rule}`)}</strong>
              <span className={styles.note}>{t(`notifications.ruleHint.${rule}`)}</span>
            </span>
          </li>
        ))}
        <li className={styles.item}>
          <span className={styles.words}>
            <strong>{t("notifications.rule.resolve")}</strong>
            <span className={styles.note}>
              {minutes > 0 ? t("notifications.resolveAfter", { count: minutes }) : t("notifications.resolveNever")}
            </span>
          </span>
          <Link to="/settings/policy">{t("notifications.change")}</Link>
        </li>
      </ul>
    </section>
  );
}
