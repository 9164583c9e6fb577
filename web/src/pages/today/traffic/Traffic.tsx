import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { useChanges } from "../../../api/useChanges";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { Figure } from "../../../components/Figure";
import { Panel } from "../../../components/Panel";
import { Skeleton } from "../../../components/Skeleton";
import { CHANNELS } from "../../../components/Status";
import { useNow } from "../../../components/Time";
import { t } from "../../../texts";
import { dateTime, day } from "../../../texts/format";
import { useUrlState } from "../../../url/useUrlState";
import { after, beginning, momentsBetween } from "./moments";
import { seriesOf } from "./series";
import styles from "./Traffic.module.css";
import { TrafficQuery } from "./TrafficQuery";
import { TrafficTable } from "./TrafficTable";
import { MEASURES, messagesOf, RANGES, STEPS, trafficUrl } from "./trafficUrl";

/** What came and went over time, by channel; each figure leads to its messages. */
export function Traffic() {
  const navigate = useNavigate();
  const now = useNow();
  const [url, setUrl] = useUrlState(trafficUrl);
  const step = STEPS[url.range];
  const since = beginning(url.range, now);
  // The period stays the same until its last point is over: a new one is another question to the API.
  const moments = momentsBetween(since, now, step);
  const until = after(moments.at(-1) ?? since, step);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const variables = { since: since.toISOString(), until: until.toISOString(), step, timeZone };
  const [{ data, error }, read] = useQuery({ query: TrafficQuery, variables });
  const readAgain = () => read({ requestPolicy: "network-only" });
  useChanges(["traffic"], readAgain);

  const points = useMemo(
    () => data?.traffic.filter(({ channel }) => url.channels.length === 0 || url.channels.includes(channel)),
    [data, url.channels],
  );
  const key = moments[0]?.getTime();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same first moment and step are the same moments
  const drawn = useMemo(
    () => ({
      moments,
      series: seriesOf(points ?? [], url.measure, moments).map(({ channel, values }) => ({
        name: t(`channel.${channel}`),
        values,
      })),
    }),
    [points, url.measure, key, step, moments.length],
  );

  return (
    <Panel
      title={t("traffic.title")}
      hint={t("traffic.hint")}
      actions={
        <>
          <Select
            label={t("messages.column.channel")}
            isLabelHidden
            value={url.channels[0] ?? ""}
            options={[
              { value: "", label: t("policy.allChannels") },
              ...CHANNELS.map((value) => ({ value, label: t(`channel.${value}`) })),
            ]}
            onChange={(channel) => setUrl({ channels: channel === "" ? [] : [channel] })}
          />
          <Select
            label={t("traffic.rangeLabel")}
            isLabelHidden
            value={url.range}
            options={RANGES.map((value) => ({ value, label: t(`traffic.range.${value}`) }))}
            onChange={(range) => setUrl({ range })}
          />
        </>
      }
    >
      <Failure problem={error && problemOf(error)} onRetry={readAgain} />
      {points ? (
        <>
          <fieldset className={styles.measures}>
            <legend className="hidden-visually">{t("traffic.measureLabel")}</legend>
            {MEASURES.map((measure) => (
              <button
                key={measure}
                type="button"
                aria-pressed={measure === url.measure}
                onClick={() => setUrl({ measure })}
              >
                {t(`traffic.measure.${measure}`)}
              </button>
            ))}
          </fieldset>
          <Figure
            title={t(`traffic.measure.${url.measure}`)}
            kind="line"
            moments={drawn.moments}
            series={drawn.series}
            momentText={step === "HOUR" ? dateTime : day}
            height={220}
            onPick={(index) => {
              const from = moments[index];
              if (!from) return;
              void navigate({
                to: "/messages",
                search: messagesOf(url.measure, url.channels, from, after(from, step)),
              });
            }}
          />
          <TrafficTable points={points} since={since} until={until} />
        </>
      ) : error ? null : (
        <Skeleton lines={14} />
      )}
    </Panel>
  );
}
