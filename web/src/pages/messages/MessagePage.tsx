import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function MessagePage() {
  return <PageHeader title={t("message.title")} />;
}
