import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function CampaignsPage() {
  return <PageHeader title={t("nav.campaigns")} />;
}
