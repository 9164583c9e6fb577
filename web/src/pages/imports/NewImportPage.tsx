import { Link } from "@tanstack/react-router";
import { CopyText } from "../../components/CopyText";
import { PageHeader } from "../../components/PageHeader";
import { Panel } from "../../components/Panel";
import { t } from "../../texts";
import styles from "./Imports.module.css";

const COMMANDS = {
  CUSTOMERS: "commlog import customers crm.csv",
  ORDERS: "commlog import orders orders.csv --currency EUR",
  MESSAGES: "commlog import messages inbox.tsv --channel sms",
  CAMPAIGN_RESULTS: "commlog import campaign-results test.csv --help",
} as const;

const KINDS = ["CUSTOMERS", "ORDERS", "MESSAGES", "CAMPAIGN_RESULTS"] as const;

/** How a file comes in. */
export function NewImportPage() {
  return (
    <>
      <PageHeader title={t("imports.new")} above={<Link to="/imports">{t("imports.section.imports")}</Link>} />
      <div className={styles.page}>
        <p>{t("imports.howHint")}</p>
        {KINDS.map((kind) => (
          <Panel key={kind} title={t(`imports.kind.${kind}`)} hint={t(`imports.kindHint.${kind}`)}>
            <CopyText
              label={t("imports.try")}
              text={`${COMMANDS[kind]}${kind === "CAMPAIGN_RESULTS" ? "" : " --dry-run"}`}
            />
            {kind === "CAMPAIGN_RESULTS" ? null : <CopyText label={t("imports.import")} text={COMMANDS[kind]} />}
          </Panel>
        ))}
      </div>
    </>
  );
}
