import { Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../api/problem";
import { LinkButton } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failure } from "../../components/Failure";
import { PageHeader } from "../../components/PageHeader";
import { PageSkeleton } from "../../shell/PageSkeleton";
import { t } from "../../texts";
import { EditorPage } from "./editor/EditorPage";
import { templateRoute } from "./routes";
import styles from "./TemplatePage.module.css";
import { TemplateQuery } from "./TemplateQuery";

export function TemplatePage() {
  const { code } = templateRoute.useParams();
  return <One key={code} code={code} />;
}

function One({ code }: { code: string }) {
  const [{ data, error }, read] = useQuery({
    query: TemplateQuery,
    variables: { code },
    requestPolicy: "network-only",
  });
  const again = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  if (!data && !error) return <PageSkeleton />;
  if (data?.template) return <EditorPage saved={data.template} onChanged={again} />;
  return (
    <>
      <PageHeader title={t("templates.unknown")} above={<Link to="/templates">{t("nav.templates")}</Link>} />
      {error ? (
        <div className={styles.failure}>
          <Failure problem={problemOf(error)} onRetry={again} />
        </div>
      ) : (
        <Empty title={t("templates.unknown")} action={<LinkButton to="/templates">{t("nav.templates")}</LinkButton>}>
          {t("templates.unknownHint")}
        </Empty>
      )}
    </>
  );
}
