import { Link } from "@tanstack/react-router";
import { FlaskConical, Play } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../../api/graphql";
import { uuidOf } from "../../../../api/ids";
import { problemOf } from "../../../../api/problem";
import { Button, LinkButton } from "../../../../components/Button";
import { Failure } from "../../../../components/Failure";
import { Badge } from "../../../../components/Status";
import { useViewer } from "../../../../session/viewer";
import { t } from "../../../../texts";
import { StartDialog } from "../../actions/StartDialog";
import type { Campaign } from "../../CampaignQuery";
import type { Plan } from "../draft";
import { PlanSummary } from "../PlanSummary";
import styles from "./ReviewStep.module.css";

const LintQuery = graphql(`
  query CampaignLint($template: PreviewedTemplateInput!) {
    lintTemplate(template: $template) {
      channel
      code
      level
      locale
      message
      line
    }
  }
`);

/** The plan as the server has it, with what is wrong with its texts, and the two ways on. */
export function ReviewStep({ campaign, plan }: { campaign: Campaign; plan: Plan }) {
  const viewer = useViewer();
  const [isStarting, setIsStarting] = useState(false);
  const texts = new Map(
    [plan, ...plan.fallbacks, ...plan.variants].map(({ template, version }) => [
      `${template} ${version ?? ""}`,
      { code: template, version },
    ]),
  );
  return (
    <div className={styles.review}>
      <section className={styles.section}>
        <h3>{t("plan.lint")}</h3>
        {[...texts].map(([key, text]) => (
          <Findings key={key} {...text} />
        ))}
      </section>
      <div className={styles.plan}>
        <PlanSummary plan={plan} />
      </div>
      <div className={styles.actions}>
        <LinkButton
          to="/campaigns/$campaignId/dry-run"
          params={{ campaignId: uuidOf(campaign.id) }}
          kind={campaign.state === "DRAFT" ? "plain" : "primary"}
          icon={<FlaskConical />}
        >
          {t("dryRun.title")}
        </LinkButton>
        {campaign.state === "DRAFT" && viewer.maySend ? (
          <Button kind="primary" icon={<Play />} onClick={() => setIsStarting(true)}>
            {t("campaign.start")}
          </Button>
        ) : null}
      </div>
      {isStarting ? <StartDialog campaign={campaign} onClose={() => setIsStarting(false)} /> : null}
    </div>
  );
}

function Findings({ code, version }: { code: string; version: number | null }) {
  const [{ data, error }] = useQuery({
    query: LintQuery,
    variables: { template: { published: { code, version } } },
  });
  const findings = data?.lintTemplate ?? [];
  return (
    <div className={styles.text}>
      <p>
        <Link to="/templates/$code" params={{ code }}>
          <code>{code}</code>
        </Link>{" "}
        {data && findings.length === 0 ? <Badge tone="good">{t("plan.noFindings")}</Badge> : null}
      </p>
      <Failure problem={error && problemOf(error)} />
      <ul>
        {findings.map((one) => (
          <li key={`${one.channel} ${one.locale} ${one.code} ${one.line} ${one.message}`} className={styles.finding}>
            <Badge tone={one.level === "ERROR" ? "bad" : "warn"}>{t(`plan.level.${one.level}`)}</Badge>
            <span>
              {one.message}{" "}
              <span className={styles.place}>
                {t(`channel.${one.channel}`)} · {one.locale}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
