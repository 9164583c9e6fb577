import { useState } from "react";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Input, Select } from "../../../components/Field";
import { Skeleton } from "../../../components/Skeleton";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { date, money, number, percent } from "../../../texts/format";
import { type Campaign, LiveFragment } from "../CampaignQuery";
import { type CampaignUrl, METRICS } from "../campaignUrl";
import { FiguresTable } from "../parts/FiguresTable";
import { Notice } from "../parts/Notice";
import { variantName } from "../parts/names";
import styles from "../parts/sections.module.css";
import { IntervalPlot } from "./IntervalPlot";
import { probability, verdictText } from "./verdict";

const EffectsQuery = graphql(`
  query CampaignEffects($id: ID!, $metric: CampaignMetric!, $activityKind: String, $days: Int!) {
    campaign(campaignId: $id) {
      id
      effects(metric: $metric, activityKind: $activityKind, days: $days) {
        since
        until
        verdict {
          winner
          leader
          pValue
          needed
        }
        groups {
          variant
          customers
          successes
          ordered
          rate
          rateInterval {
            low
            high
          }
          revenue {
            amount
            currency
          }
          effect {
            difference
            differenceInterval {
              low
              high
            }
            lift
            liftInterval {
              low
              high
            }
            pValue
          }
        }
      }
    }
  }
`);

type Effects = NonNullable<NonNullable<ResultOf<typeof EffectsQuery>["campaign"]>["effects"]>;

interface ComparisonProps {
  campaign: Campaign;
  url: CampaignUrl;
  setUrl: (changes: Partial<CampaignUrl>) => void;
}

/** The variants beside each other and beside those who were held out, with what may be chance. */
export function Comparison({ campaign, url, setUrl }: ComparisonProps) {
  const days = Math.min(365, Math.max(1, Math.round(Number(url.days)) || 14));
  const [{ data, error, fetching }, read] = useQuery({
    query: EffectsQuery,
    variables: {
      id: campaign.id,
      metric: url.metric,
      activityKind: url.metric === "ACTIVITY" ? url.activity : undefined,
      days,
    },
  });
  const effects = data?.campaign?.effects;
  const isCompared = (effects?.groups.length ?? 0) > 1;
  return (
    <div className={styles.page}>
      <div className={styles.row}>
        <Select
          label={t("comparison.metric")}
          value={url.metric}
          options={METRICS.map((metric) => ({ value: metric, label: t(`comparison.metrics.${metric}`) }))}
          onChange={(metric) => setUrl({ metric })}
        />
        {url.metric === "ACTIVITY" ? (
          <Input
            label={t("comparison.activity")}
            value={url.activity}
            onChange={(event) => setUrl({ activity: event.target.value })}
          />
        ) : null}
        {url.metric === "ACTIVITY" || url.metric === "ORDERED" ? (
          <Input
            label={t("comparison.days")}
            type="number"
            min={1}
            max={365}
            value={url.days}
            onChange={(event) => setUrl({ days: event.target.value })}
          />
        ) : null}
      </div>
      <Failure problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
      {!data && fetching ? <Skeleton lines={8} /> : null}
      {data && !effects ? <Empty title={t("comparison.notStarted")}>{t("comparison.hint")}</Empty> : null}
      {effects && !isCompared ? <Empty title={t("comparison.nothing")}>{t("comparison.hint")}</Empty> : null}
      {effects && isCompared ? <Groups effects={effects} campaign={campaign} /> : null}
    </div>
  );
}

function Groups({ effects, campaign }: { effects: Effects; campaign: Campaign }) {
  const { groups, verdict } = effects;
  const differences = groups.flatMap(({ variant, effect }) =>
    effect?.differenceInterval && effect.difference !== null
      ? [{ id: variant ?? "", name: variantName(variant), value: effect.difference, ...effect.differenceInterval }]
      : [],
  );
  return (
    <>
      {verdict ? <Notice>{verdictText(verdict)}</Notice> : null}
      <Winner campaign={campaign} />
      <section className={styles.section}>
        <h2>{t("comparison.rates")}</h2>
        <IntervalPlot
          label={t("comparison.rates")}
          estimates={groups.flatMap(({ variant, rate, rateInterval }) =>
            rate !== null && rateInterval
              ? [{ id: variant ?? "held-out", name: variantName(variant), value: rate, ...rateInterval }]
              : [],
          )}
        />
      </section>
      {differences.length > 0 ? (
        <section className={styles.section}>
          <h2>{t("comparison.besideHeldOut")}</h2>
          <IntervalPlot label={t("comparison.besideHeldOut")} estimates={differences} isDifference />
        </section>
      ) : null}
      <FiguresTable
        label={t("comparison.groups")}
        head={[
          t("campaign.variant"),
          t("comparison.customers"),
          t("comparison.successes"),
          t("comparison.rate"),
          t("comparison.ordered"),
          t("campaign.figure.revenue"),
          t("comparison.lift"),
          t("comparison.pValue"),
        ]}
        rows={groups.map((group) => ({
          id: group.variant ?? "held-out",
          name: <bdi>{variantName(group.variant)}</bdi>,
          cells: [
            number(group.customers),
            group.successes === null ? "–" : number(group.successes),
            group.rate === null ? "–" : percent(group.rate),
            number(group.ordered),
            group.revenue ? money(group.revenue.amount, group.revenue.currency) : "–",
            typeof group.effect?.lift === "number" ? percent(group.effect.lift) : "–",
            probability(group.effect?.pValue),
          ],
        }))}
        empty={t("comparison.nothing")}
      />
      <p className={styles.note}>
        {t("comparison.method", { since: date(effects.since), until: date(effects.until) })}
      </p>
    </>
  );
}

const Choose = graphql(
  `
    mutation ChooseCampaignWinner($id: ID!, $variant: String!, $idempotencyKey: String) {
      chooseCampaignWinner(campaignId: $id, variant: $variant, idempotencyKey: $idempotencyKey) {
        campaign {
          ...CampaignLive
        }
        refusal {
          code
          message
          field
        }
      }
    }
  `,
  [LiveFragment],
);

/** A test with a winner for the rest: a colleague may choose before, or because nothing has won. */
function Winner({ campaign }: { campaign: Campaign }) {
  const viewer = useViewer();
  const [chosen, setChosen] = useState<string>();
  const { run, running, refusal, problem } = useAction(Choose);
  const { plan, winner } = campaign;
  if (!plan?.winner || winner || !viewer.maySend) return null;
  return (
    <div className={styles.row}>
      <span className={styles.note}>{t("comparison.chooseHint")}</span>
      {plan.variants.map(({ name }) => (
        <Button key={name} onClick={() => setChosen(name)}>
          {t("comparison.choose", { variant: name })}
        </Button>
      ))}
      {chosen ? (
        <ConfirmDialog
          title={t("comparison.choose", { variant: chosen })}
          action={t("comparison.choose", { variant: chosen })}
          isRunning={running}
          refusal={refusal}
          problem={problem}
          onClose={() => setChosen(undefined)}
          onConfirm={async () => {
            if (await run({ id: campaign.id, variant: chosen })) setChosen(undefined);
          }}
        >
          <p>{t("comparison.chooseWarning")}</p>
        </ConfirmDialog>
      ) : null}
    </div>
  );
}
