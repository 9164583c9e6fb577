import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function AuditPage() {
  return <PageHeader title={t("nav.audit")} />;
}
