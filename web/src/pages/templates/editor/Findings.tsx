import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { problemOf } from "../../../api/problem";
import { Failure } from "../../../components/Failure";
import { Prose } from "../../../components/Prose";
import { t } from "../../../texts";
import type { Finding, useLint } from "../draft/useLint";
import styles from "./Findings.module.css";

interface FindingsProps {
  lint: ReturnType<typeof useLint>;
  onShow: (finding: Finding) => void;
}

/** What is wrong or likely to be regretted; each leads to its place. */
export function Findings({ lint, onShow }: FindingsProps) {
  const { findings, isStale, error } = lint;
  return (
    <section className={styles.findings} aria-label={t("templates.findings")} aria-busy={isStale}>
      <h2>{t("templates.findings")}</h2>
      <Failure problem={error && problemOf(error)} />
      {findings.length === 0 && !isStale && !error ? (
        <p className={styles.fine}>
          <CircleCheck aria-hidden="true" /> {t("templates.noFindings")}
        </p>
      ) : null}
      <ul>
        {findings.map((finding) => (
          <li key={JSON.stringify(finding)} className={styles.finding} data-level={finding.level}>
            {finding.level === "ERROR" ? <CircleAlert aria-hidden="true" /> : <TriangleAlert aria-hidden="true" />}
            <div>
              <p>
                <span className="hidden-visually">{t(`templates.level.${finding.level}`)}: </span>
                <Prose text={finding.message} />
              </p>
              {finding.partial ? (
                <Link to="/templates/$code" params={{ code: finding.partial }}>
                  {placeOf(finding)}
                </Link>
              ) : (
                <button type="button" className={styles.place} onClick={() => onShow(finding)}>
                  {placeOf(finding)}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function placeOf({ channel, locale, field, line, column, partial }: Finding): string {
  const where = partial ?? `${t(`channel.${channel}`)} ${locale}`;
  return line === null
    ? t("templates.atField", { where, field })
    : t("templates.atLine", { where, field, line, column: column ?? 1 });
}
