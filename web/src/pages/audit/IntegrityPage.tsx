import { CopyText } from "../../components/CopyText";
import { Panel } from "../../components/Panel";
import { t } from "../../texts";
import { AuditFrame } from "./AuditFrame";
import styles from "./EventsPage.module.css";

/** How one proves that nobody changed the log. */
export function IntegrityPage() {
  return (
    <AuditFrame section="integrity">
      <div className={styles.content}>
        <Panel title={t("integrity.verify")} hint={t("integrity.verifyHint")}>
          <CopyText label={t("integrity.command")} text="commlog verify" />
        </Panel>
        <Panel title={t("integrity.checkpoint")} hint={t("integrity.checkpointHint")}>
          <CopyText label={t("integrity.sign")} text="commlog verify --sign today.checkpoint" />
          <CopyText label={t("integrity.compare")} text="commlog verify --against today.checkpoint" />
        </Panel>
        <Panel title={t("integrity.prove")} hint={t("integrity.proveHint")}>
          <CopyText label={t("integrity.command")} text="commlog prove --help" />
        </Panel>
      </div>
    </AuditFrame>
  );
}
