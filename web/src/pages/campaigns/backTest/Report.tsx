import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { uuidOf } from "../../../api/ids";
import { Figure } from "../../../components/Figure";
import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { date, day, number } from "../../../texts/format";
import { FiguresTable } from "../parts/FiguresTable";
import { reasonText } from "../parts/names";
import styles from "./BackTestPage.module.css";
import type { BackTestReport } from "./BackTestQuery";

const CHANGES = ["notSent", "later", "sooner", "sent", "sentAsWell", "stoppedAsWell", "waitingAsWell"] as const;

/** What would have been different, with examples to read. */
export function Report({ report }: { report: BackTestReport }) {
  const { totals, byDay } = report;
  const moments = useMemo(() => byDay.map((one) => new Date(`${one.day}T12:00`)), [byDay]);
  const series = useMemo(
    () => [
      { name: t("backTest.counts.notSent"), values: byDay.map((one) => one.counts.notSent) },
      { name: t("backTest.counts.later"), values: byDay.map((one) => one.counts.later) },
    ],
    [byDay],
  );
  return (
    <>
      <div>
        <p className={styles.summary}>
          {t("backTest.summary", { changed: number(report.changedCustomers), customers: number(report.customers) })}
        </p>
        <p className={styles.note}>
          {t("backTest.of", { messages: totals.messages, since: date(report.since), until: date(report.until) })}
          {report.forgottenMessages > 0 ? ` ${t("backTest.forgotten", { count: report.forgottenMessages })}` : null}
        </p>
      </div>
      <FiguresTable
        label={t("backTest.byChannel")}
        head={[t("campaign.channel"), ...CHANGES.map((one) => t(`backTest.counts.${one}`))]}
        rows={[
          { id: "all", name: t("backTest.allChannels"), cells: CHANGES.map((one) => number(totals[one])) },
          ...report.byChannel.map(({ channel, counts }) => ({
            id: channel,
            name: <ChannelName channel={channel} />,
            cells: CHANGES.map((one) => number(counts[one])),
          })),
        ]}
        empty={t("backTest.nothing")}
      />
      <FiguresTable
        label={t("backTest.byRule")}
        head={[
          t("backTest.rule"),
          t("backTest.change"),
          t("backTest.messages"),
          t("backTest.people"),
          t("backTest.meanHours"),
          t("backTest.examples"),
        ]}
        rows={report.byRule.map((one) => ({
          id: `${one.change} ${one.rule}`,
          name: reasonText(one.rule),
          cells: [
            t(`backTest.changes.${one.change}`),
            number(one.messages),
            number(one.customers),
            one.meanHours === null ? "–" : number(Math.round(one.meanHours * 10) / 10),
            <span key="examples" className={styles.examples}>
              {one.examples.map((example, index) => (
                <Link
                  key={example.messageId}
                  to="/messages/$messageId"
                  params={{ messageId: uuidOf(example.messageId) }}
                  aria-label={t("backTest.example", { number: index + 1, rule: reasonText(one.rule) })}
                >
                  {index + 1}
                </Link>
              ))}
            </span>,
          ],
        }))}
        empty={t("backTest.nothing")}
      />
      {moments.length > 1 ? (
        <Figure title={t("backTest.byDay")} kind="line" moments={moments} series={series} momentText={day} />
      ) : null}
    </>
  );
}
