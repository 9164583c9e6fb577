import { PageHeader } from "../../components/PageHeader";
import { Tabs } from "../../components/Tabs";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { Automated } from "./automated/Automated";
import { Bulk } from "./bulk/Bulk";
import styles from "./NotificationsPage.module.css";
import { notificationsUrl } from "./notificationsUrl";
import { SendOne } from "./send/SendOne";
import { Rules } from "./settings/Rules";
import { ServiceTests } from "./tests/ServiceTests";

/** Everything that writes to people, from one message to what runs by itself. */
export function NotificationsPage() {
  const [url, setUrl] = useUrlState(notificationsUrl);
  return (
    <div className={styles.page}>
      <PageHeader title={t("nav.notifications")} />
      <div className={styles.tabs}>
        <Tabs
          label={t("nav.notifications")}
          value={url.tab}
          onChange={(tab) => setUrl({ tab }, { push: true })}
          tabs={[
            {
              value: "send",
              label: t("notifications.tab.send"),
              content: () => <SendOne url={url} setUrl={setUrl} />,
            },
            { value: "bulk", label: t("notifications.tab.bulk"), content: () => <Bulk url={url} setUrl={setUrl} /> },
            { value: "automated", label: t("notifications.tab.automated"), content: () => <Automated /> },
            { value: "settings", label: t("notifications.tab.settings"), content: () => <Rules /> },
            { value: "tests", label: t("notifications.tab.tests"), content: () => <ServiceTests /> },
          ]}
        />
      </div>
    </div>
  );
}
