import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function TodayPage() {
  return <PageHeader title={t("nav.today")} />;
}
