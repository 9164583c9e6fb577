import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function SettingsPage() {
  return <PageHeader title={t("nav.settings")} />;
}
