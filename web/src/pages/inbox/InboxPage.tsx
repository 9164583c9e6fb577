import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";

export function InboxPage() {
  return <PageHeader title={t("nav.inbox")} />;
}
