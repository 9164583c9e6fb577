import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function ImportsPage() {
  return <PageHeader title={t("nav.imports")} />;
}
