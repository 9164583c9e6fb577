import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function NotificationsPage() {
  return <PageHeader title={t("nav.notifications")} />;
}
