import { useEffect, useMemo } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { Figure } from "../../../components/Figure";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { date } from "../../../texts/format";
import { useUrlState } from "../../../url/useUrlState";
import type { ShownList } from "../ListQuery";
import { DAYS, listUrl } from "../listsUrl";
import { dayOf, daysBefore, sizesByDay } from "../sizes";
import styles from "./Growth.module.css";

const GrowthQuery = graphql(`
  query ListGrowth($id: ID!, $since: DateTime, $timeZone: String!) {
    list(id: $id) {
      id
      growth(since: $since, timeZone: $timeZone) {
        day
        entered
        left
      }
    }
  }
`);

const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The size of a list by day, and who entered and left; a click leads to the customers of that day. */
export function Growth({ list, changes }: { list: ShownList; changes: number }) {
  const [url, setUrl] = useUrlState(listUrl);
  const days = Number(url.days);
  // The same moment all day: what was asked for is not asked for again with each drawing.
  const today = dayOf(new Date());
  const since = useMemo(() => daysBefore(new Date(`${today}T00:00:00`), days - 1).toISOString(), [today, days]);
  const [{ data, error }, read] = useQuery({ query: GrowthQuery, variables: { id: list.id, since, timeZone } });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change makes other figures
  useEffect(() => read({ requestPolicy: "network-only" }), [read, changes]);
  const growth = data?.list?.growth;
  const sizes = useMemo(
    () => growth && sizesByDay(growth, list.memberCount, days, new Date()),
    [growth, list.memberCount, days],
  );
  const moments = useMemo(() => sizes?.map((one) => new Date(`${one.day}T00:00:00`)) ?? [], [sizes]);
  const size = useMemo(
    () => [{ name: t("lists.column.members"), values: sizes?.map((one) => one.size) ?? [] }],
    [sizes],
  );
  const moves = useMemo(
    () => [
      { name: t("lists.entered"), values: sizes?.map((one) => one.entered) ?? [] },
      { name: t("lists.left"), values: sizes?.map((one) => one.left) ?? [] },
    ],
    [sizes],
  );
  const pick = (index: number) => {
    const day = sizes?.[index]?.day;
    if (day) setUrl({ tab: "changes", since: day, until: day }, { push: true });
  };
  return (
    <div className={styles.growth}>
      <div className={styles.days}>
        <Select
          label={t("lists.period")}
          value={url.days}
          options={DAYS.map((one) => ({ value: one, label: t("lists.lastDays", { days: Number(one) }) }))}
          onChange={(chosen) => setUrl({ days: chosen })}
        />
      </div>
      <Failure problem={error && problemOf(error)} onRetry={() => read({ requestPolicy: "network-only" })} />
      {sizes ? (
        <>
          <Figure
            title={t("lists.column.members")}
            kind="line"
            moments={moments}
            series={size}
            momentText={date}
            onPick={pick}
          />
          <Figure
            title={t("lists.moves")}
            kind="line"
            moments={moments}
            series={moves}
            momentText={date}
            onPick={pick}
          />
          <p className={styles.hint}>{t("lists.growthHint")}</p>
        </>
      ) : error ? null : (
        <Skeleton lines={12} />
      )}
    </div>
  );
}
