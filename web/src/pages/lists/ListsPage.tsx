import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function ListsPage() {
  return <PageHeader title={t("nav.lists")} />;
}
