import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../api/ids";
import { Facts } from "../../components/Facts";
import { Progress } from "../../components/Progress";
import { Time } from "../../components/Time";
import { t } from "../../texts";
import { dateTime, list, percent } from "../../texts/format";
import type { Campaign } from "./CampaignQuery";
import { type CampaignUrl, campaignUrl } from "./campaignUrl";
import { Funnel, type FunnelStep } from "./parts/Funnel";
import { Notice } from "./parts/Notice";
import { causeText, reasonText, variantName } from "./parts/names";
import styles from "./parts/sections.module.css";
import { startText } from "./parts/startText";
import { LiveTotals } from "./results/LiveTotals";

/** Where a campaign stands, live. */
export function Overview({ campaign }: { campaign: Campaign }) {
  const { progress, plan, state } = campaign;
  return (
    <div className={styles.page}>
      <Notices campaign={campaign} />
      {progress.recipients > 0 ? (
        <Progress
          label={t(state === "COMPLETED" ? "campaign.decidedAll" : "campaign.decided")}
          done={progress.decided}
          total={progress.recipients}
        />
      ) : null}
      <div className={styles.columns}>
        <section className={styles.section} aria-labelledby="funnel">
          <h2 id="funnel">{t("campaign.becameOf")}</h2>
          {progress.recipients > 0 ? (
            <ProgressFunnel campaign={campaign} />
          ) : (
            <p className={styles.note}>{plan ? t("campaign.notStarted") : t("campaign.plannedElsewhere")}</p>
          )}
        </section>
        <section className={styles.section} aria-labelledby="facts">
          <h2 id="facts">{t("campaign.facts")}</h2>
          <Facts
            facts={[
              [t("campaign.fact.audience"), plan && audienceText(plan.audience)],
              [t("campaign.fact.start"), plan && startText(plan.start)],
              [t("campaign.fact.next"), campaign.startAt && dateTime(campaign.startAt)],
              [t("campaign.fact.started"), campaign.startedAt && <Time at={campaign.startedAt} />],
              [t("campaign.fact.ended"), campaign.endedAt && <Time at={campaign.endedAt} />],
              [t("campaign.fact.missed"), campaign.missed > 0 ? String(campaign.missed) : null],
              [
                t("campaign.fact.templates"),
                list(campaign.templates.map((one) => t("campaign.templateVersion", { ...one }))),
              ],
              [
                t("campaign.fact.approvedBy"),
                campaign.approvedBy && (campaign.approvedBy.name ?? campaign.approvedBy.actor),
              ],
              [
                t("campaign.fact.changedBy"),
                campaign.changedBy && (campaign.changedBy.name ?? campaign.changedBy.actor),
              ],
            ]}
          />
        </section>
      </div>
      <LiveTotals campaignId={campaign.id} />
    </div>
  );
}

function audienceText(audience: NonNullable<Campaign["plan"]>["audience"]): string {
  const to = audience.everybody ? t("plan.everybody") : list(audience.lists.map((one) => one.name));
  if (audience.exclude.length === 0) return to;
  return `${to} ${t("plan.without", { lists: list(audience.exclude.map((one) => one.name)) })}`;
}

function Notices({ campaign }: { campaign: Campaign }) {
  const { state, cause, reason, winner, plan } = campaign;
  const isStopped = state === "PAUSED" || state === "CANCELLED" || (state === "DRAFT" && cause === "overdue");
  return (
    <>
      {isStopped && cause ? (
        <Notice isWarning>
          <strong>{causeText(cause)}</strong> {reason && reason !== cause ? <bdi>{reason}</bdi> : null}
        </Notice>
      ) : null}
      {campaign.budgetNoticedAt && plan?.budget ? (
        <Notice isWarning>
          {t("campaign.budgetNoticed", {
            share: percent(plan.budget.warnPercent / 100),
            at: dateTime(campaign.budgetNoticedAt),
          })}
        </Notice>
      ) : null}
      {winner ? (
        <Notice>
          {t(`campaign.winner.${winner.chosenBy}`, {
            variant: variantName(winner.variant),
            at: dateTime(winner.chosenAt),
          })}
        </Notice>
      ) : null}
    </>
  );
}

function ProgressFunnel({ campaign }: { campaign: Campaign }) {
  const { progress } = campaign;
  const steps: FunnelStep[] = [
    { id: "audience", kind: "whole", label: t("campaign.step.audience"), count: progress.recipients },
    { id: "excluded", kind: "loss", label: t("campaign.step.excluded"), count: progress.excluded },
    ...progress.suppressedBy.map(
      ({ rule, recipients }): FunnelStep => ({
        id: rule,
        kind: "loss",
        label: t("campaign.step.suppressedBy", { rule: reasonText(rule) }),
        count: recipients,
      }),
    ),
    { id: "held", kind: "loss", label: t("campaign.step.held"), count: progress.held },
    { id: "queued", kind: "result", label: t("campaign.step.queued"), count: progress.queued },
  ];
  const target = (id: string): Partial<CampaignUrl> | undefined => {
    if (id === "audience") return undefined;
    if (id === "excluded") return { tab: "recipients", leftOut: true };
    if (id === "held") return { tab: "recipients", outcome: "HELD" };
    if (id === "queued") return { tab: "recipients", outcome: "SENT" };
    return { tab: "recipients", outcome: "SUPPRESSED", reason: id };
  };
  return (
    <Funnel
      label={t("campaign.becameOf")}
      total={progress.recipients}
      steps={steps.filter((step) => step.kind !== "loss" || step.count > 0)}
      link={(step, words) => {
        const search = target(step.id);
        if (!search) return words;
        return (
          <Link
            to="/campaigns/$campaignId"
            params={{ campaignId: uuidOf(campaign.id) }}
            search={campaignUrl.params(search)}
          >
            {words}
          </Link>
        );
      }}
    />
  );
}
