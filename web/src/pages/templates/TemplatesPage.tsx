import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function TemplatesPage() {
  return <PageHeader title={t("nav.templates")} />;
}
