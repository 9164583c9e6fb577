import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Person } from "../../../components/Person";
import { Skeleton } from "../../../components/Skeleton";
import { t } from "../../../texts";
import { number } from "../../../texts/format";
import type { CriteriaInput } from "./input";
import styles from "./PreviewPanel.module.css";
import { ComparisonQuery } from "./PreviewQuery";
import type { CriteriaPreview } from "./useCriteria";

interface PreviewPanelProps {
  preview: CriteriaPreview;
  /** What is saved, if the criteria differ from it. */
  saved?: CriteriaInput;
}

/** How many customers meet the criteria as they stand there, and ten of them. */
export function PreviewPanel({ preview, saved }: PreviewPanelProps) {
  const { found, input, isStale, problem, waitsFor } = preview;
  return (
    <aside className={styles.panel} aria-label={t("lists.preview")} aria-busy={isStale}>
      <h2>{t("lists.preview")}</h2>
      {waitsFor ? <p className={styles.hint}>{t(`lists.waitsFor.${waitsFor}`)}</p> : null}
      {preview.mistake ? <p className={styles.hint}>{t("lists.correct")}</p> : null}
      <Failure problem={problem && problemOf(problem)} />
      {found ? (
        <div className={isStale ? styles.stale : styles.found}>
          <div role="status">
            <p className={styles.count}>
              {found.isExact ? "" : "≈ "}
              {t("customers.count", { count: found.count })}
            </p>
            <p className={styles.hint}>
              {found.isExact
                ? t("lists.exact", { total: found.customerCount })
                : t("lists.estimate", {
                    margin: found.margin,
                    lookedAt: found.lookedAt,
                    total: found.customerCount,
                  })}
            </p>
          </div>
          {saved && input && !isStale ? <Difference saved={saved} input={input} /> : null}
          <ul className={styles.examples} aria-label={t("lists.examples")}>
            {found.examples.map((customer) => (
              <li key={customer.id}>
                <Link to="/customers/$customerId" params={{ customerId: uuidOf(customer.id) }}>
                  <Person name={customer.name} isForgotten={customer.forgottenAt !== null} />
                </Link>
              </li>
            ))}
          </ul>
          {found.examples.length === 0 ? <p className={styles.hint}>{t("lists.nobody")}</p> : null}
        </div>
      ) : isStale ? (
        <Skeleton lines={6} />
      ) : null}
    </aside>
  );
}

function Difference({ saved, input }: { saved: CriteriaInput; input: CriteriaInput }) {
  const [{ data }] = useQuery({ query: ComparisonQuery, variables: { first: saved, second: input } });
  const comparison = data?.compareListCriteria.comparison;
  if (!comparison) return null;
  const written = ({ count, isExact }: { count: number; isExact: boolean }) => (isExact ? "" : "≈ ") + number(count);
  return (
    <p className={styles.difference}>
      {t("lists.difference", { enter: written(comparison.onlySecond), leave: written(comparison.onlyFirst) })}
    </p>
  );
}
