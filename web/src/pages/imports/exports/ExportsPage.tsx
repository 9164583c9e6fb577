import { CopyText } from "../../../components/CopyText";
import { Panel } from "../../../components/Panel";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import styles from "../Imports.module.css";
import { ImportsFrame } from "../ImportsFrame";
import { Exports } from "./Exports";

/** How data goes out. */
export function ExportsPage() {
  const { role } = useViewer();
  return (
    <ImportsFrame section="exports">
      <div className={styles.exports}>
        {role === "ADMIN" ? <Exports /> : <p>{t("exports.forAdmins")}</p>}
        <Panel title={t("exports.commandLine")} hint={t("exports.commandLineHint")}>
          <CopyText label={t("exports.parquet")} text="commlog export tables --into export" />
          <CopyText
            label={t("exports.impersonal")}
            text="commlog export tables --into export --without-personal-data"
          />
          <CopyText label={t("exports.events")} text="commlog export events" />
        </Panel>
      </div>
    </ImportsFrame>
  );
}
