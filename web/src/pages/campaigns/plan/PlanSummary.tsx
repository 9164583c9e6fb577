import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../../api/ids";
import { Facts } from "../../../components/Facts";
import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { list, money, number, percent } from "../../../texts/format";
import styles from "../parts/sections.module.css";
import { startText } from "../parts/startText";
import type { Plan } from "./draft";

const points = (value: number): string => percent(value / 10_000);

/** The whole plan to read, as the server has it. */
export function PlanSummary({ plan }: { plan: Plan }) {
  return (
    <div className={styles.page}>
      <section className={styles.section}>
        <h2>{t("plan.step.audience")}</h2>
        <Facts
          facts={[
            [
              t("plan.lists"),
              plan.audience.everybody ? t("plan.everybody") : <Lists key="lists" lists={plan.audience.lists} />,
            ],
            [
              t("plan.exclude"),
              plan.audience.exclude.length > 0 ? <Lists key="exclude" lists={plan.audience.exclude} /> : null,
            ],
            [t("plan.topic"), <bdi key="topic">{plan.topic}</bdi>],
          ]}
        />
      </section>
      <section className={styles.section}>
        <h2>{t("plan.step.content")}</h2>
        <Facts
          facts={[
            [t("campaign.channel"), <ChannelName key="channel" channel={plan.channel} />],
            [t("plan.template"), <Template key="template" code={plan.template} version={plan.version} />],
            [
              t("plan.fallbacks"),
              plan.fallbacks.length > 0
                ? list(plan.fallbacks.map((one) => `${t(`channel.${one.channel}`)}: ${one.template}`))
                : null,
            ],
            ...plan.variants.map(
              (one) =>
                [
                  t("plan.variantOf", { variant: one.name, share: points(one.share) }),
                  <Template key={one.name} code={one.template} version={one.version} />,
                ] as const,
            ),
            [t("plan.holdOut"), plan.holdOut > 0 ? points(plan.holdOut) : null],
            [
              t("plan.winner"),
              plan.winner
                ? t("plan.winnerText", {
                    share: points(plan.winner.test),
                    metric: t(`comparison.metrics.${plan.winner.metric}`),
                    minutes: plan.winner.waitMinutes,
                  })
                : null,
            ],
            [
              t("plan.variables"),
              Object.keys(plan.variables).length > 0 ? (
                <code key="variables">{Object.keys(plan.variables).join(", ")}</code>
              ) : null,
            ],
          ]}
        />
      </section>
      <section className={styles.section}>
        <h2>{t("plan.step.schedule")}</h2>
        <Facts
          facts={[
            [t("plan.start"), startText(plan.start)],
            [
              t("plan.spread"),
              plan.start.spreadMinutes > 0 ? t("plan.minutes", { count: plan.start.spreadMinutes }) : null,
            ],
            [
              t("plan.stopAfter"),
              plan.stopAfterMinutes > 0 ? t("plan.minutes", { count: plan.stopAfterMinutes }) : null,
            ],
          ]}
        />
      </section>
      <section className={styles.section}>
        <h2>{t("plan.step.limits")}</h2>
        <Facts
          facts={[
            [t("plan.rate"), rateText(plan.rate)],
            ...plan.seasons.map((one) => [`${one.from} – ${one.until}`, rateText(one.rate)] as const),
            [
              t("plan.budget"),
              plan.budget ? money(plan.budget.amount.amount, plan.budget.amount.currency) : t("plan.noBudget"),
            ],
            [
              t("plan.thresholds"),
              t("plan.thresholdsText", {
                complaints: points(plan.thresholds.complaints),
                bounces: points(plan.thresholds.hardBounces),
                errors: points(plan.thresholds.errors),
              }),
            ],
          ]}
        />
      </section>
    </div>
  );
}

const rateText = (rate: Plan["rate"]): string =>
  rate.messages === 0
    ? t("plan.noRate")
    : t("plan.rateText", { messages: number(rate.messages), period: t(`plan.period.${rate.per}`) });

function Lists({ lists }: { lists: Plan["audience"]["lists"] }) {
  return (
    <ul>
      {lists.map((one) => (
        <li key={one.id}>
          <Link to="/lists/$listId" params={{ listId: uuidOf(one.id) }}>
            <bdi>{one.name}</bdi>
          </Link>{" "}
          {t("plan.members", { count: one.memberCount })}
        </li>
      ))}
    </ul>
  );
}

const Template = ({ code, version }: { code: string; version: number | null }) => (
  <>
    <Link to="/templates/$code" params={{ code }}>
      <code>{code}</code>
    </Link>{" "}
    {version === null ? t("plan.newestVersion") : t("plan.version", { version: String(version) })}
  </>
);
