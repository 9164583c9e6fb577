import { CircleCheck, CircleMinus, CircleX, Clock } from "lucide-react";
import { useQuery } from "urql";
import type { VariablesOf } from "../api/graphql";
import { problemOf } from "../api/problem";
import { useSettled } from "../api/useSettled";
import { Failure } from "../components/Failure";
import { Skeleton } from "../components/Skeleton";
import { t } from "../texts";
import { type Explained, ExplainSend, type Finding } from "./ExplainSend";
import styles from "./Explanation.module.css";
import { findingOf, subjectOf, verdictOf } from "./explained";

export type MessageInput = VariablesOf<typeof ExplainSend>["input"];

/** How long somebody who types may pause before the server is asked. */
const PAUSE_MS = 300;

/** What would become of a message if it were sent now, as the server decides it: before somebody sends it. */
export function Explanation({ input, isBrief = false }: { input: MessageInput; isBrief?: boolean }) {
  // Compared as a text: each rendering makes another object of the same message.
  const settled = useSettled(JSON.stringify(input), PAUSE_MS);
  const [{ data, error, fetching }, ask] = useQuery({
    query: ExplainSend,
    variables: { input: JSON.parse(settled) as MessageInput },
    requestPolicy: "network-only",
  });
  const explained = data?.explainSend;
  return (
    <section className={styles.explanation} aria-label={t("explain.title")} aria-busy={fetching}>
      <Failure problem={error && problemOf(error)} onRetry={() => ask({ requestPolicy: "network-only" })} />
      {explained ? <Shown explained={explained} isBlank={isBlank(input)} isBrief={isBrief} /> : null}
      {explained || error ? null : <Skeleton lines={isBrief ? 1 : 4} />}
    </section>
  );
}

const isBlank = ({ body, template }: MessageInput): boolean => !template && !body?.trim();

interface ShownProps {
  explained: Explained;
  isBlank: boolean;
  isBrief: boolean;
}

function Shown({ explained, isBlank, isBrief }: ShownProps) {
  const asked = explained.rules.filter(({ outcome }) => outcome !== "NOT_ASKED");
  // That nothing is planned for later, and other channels, need no words.
  const spared = explained.rules.filter(
    ({ notAskedBecause: why }) => why !== null && why !== "NOT_PLANNED" && why !== "OTHER_CHANNEL",
  );
  const rules = (
    <>
      <Findings findings={asked} to={explained.to} />
      {spared.length > 0 ? (
        <details className={styles.spared}>
          <summary>{t("explain.notAskedRules")}</summary>
          <Findings findings={spared} to={explained.to} />
        </details>
      ) : null}
    </>
  );
  return (
    <>
      <p className={styles.verdict} data-decision={explained.decision ?? "REFUSED"} role="status">
        {verdictOf(explained, isBlank)}
      </p>
      {isBrief && explained.rules.length > 0 ? (
        <details className={styles.spared}>
          <summary>{t("explain.rules")}</summary>
          {rules}
        </details>
      ) : (
        rules
      )}
    </>
  );
}

const ICONS = { PASSES: CircleCheck, HOLDS: Clock, SUPPRESSES: CircleX, NOT_ASKED: CircleMinus } as const;

function Findings({ findings, to }: { findings: readonly Finding[]; to: string | null }) {
  if (findings.length === 0) return null;
  return (
    <ul className={styles.findings}>
      {findings.map((finding) => {
        const Icon = ICONS[finding.outcome];
        return (
          <li key={finding.rule} data-outcome={finding.outcome}>
            <Icon aria-hidden="true" />
            <span>
              <strong>{subjectOf(finding.rule)}</strong>
              <span className={styles.words} dir="auto">
                {findingOf(finding, to)}
              </span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
