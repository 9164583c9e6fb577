import { CopyText } from "../../components/CopyText";
import { Panel } from "../../components/Panel";
import { t } from "../../texts";
import styles from "./Imports.module.css";
import { ImportsFrame } from "./ImportsFrame";

/** How data goes out. */
export function ExportsPage() {
  return (
    <ImportsFrame section="exports">
      <div className={styles.exports}>
        <p>{t("exports.hint")}</p>
        <Panel title={t("exports.customers")} hint={t("exports.customersHint")}>
          <CopyText label={t("integrity.command")} text="commlog export customers --format csv" />
          <CopyText label={t("exports.spreadsheet")} text="commlog export customers --format csv --spreadsheet" />
        </Panel>
        <Panel title={t("exports.tables")} hint={t("exports.tablesHint")}>
          <CopyText label={t("exports.parquet")} text="commlog export tables --into export" />
          <CopyText
            label={t("exports.impersonal")}
            text="commlog export tables --into export --without-personal-data"
          />
        </Panel>
        <Panel title={t("exports.events")} hint={t("exports.eventsHint")}>
          <CopyText label={t("integrity.command")} text="commlog export events" />
        </Panel>
      </div>
    </ImportsFrame>
  );
}
