import { PageHeader } from "../../components/PageHeader";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { AccountsHealth } from "./AccountsHealth";
import { RunningCampaigns } from "./RunningCampaigns";
import styles from "./TodayPage.module.css";
import { Traffic } from "./traffic/Traffic";
import { Waiting } from "./Waiting";

/** How it goes: what waits for somebody, what came and went, what runs and whether accounts work. */
export function TodayPage() {
  const viewer = useViewer();
  return (
    <>
      <PageHeader title={t("nav.today")} />
      <div className={styles.page}>
        <Waiting />
        <Traffic />
        <div className={styles.columns}>
          <RunningCampaigns />
          {viewer.role === "ADMIN" ? <AccountsHealth /> : null}
        </div>
      </div>
    </>
  );
}
