import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { Button, LinkButton } from "../components/Button";
import { Empty } from "../components/Empty";
import { PageHeader } from "../components/PageHeader";
import { t } from "../texts";

/** In place of a page that failed: after an update of the server, its files may be gone, and a reload gets the new ones. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const message = error instanceof Error ? error.message : String(error);
  const isOutdated = /dynamically imported module|module script/i.test(message);
  const again = () => {
    if (isOutdated) return window.location.reload();
    reset();
    void router.invalidate();
  };
  return (
    <div role="alert">
      <Empty
        title={t(isOutdated ? "problem.outdated" : "problem.page")}
        action={<Button onClick={again}>{t("common.retry")}</Button>}
      >
        {isOutdated ? null : message}
      </Empty>
    </div>
  );
}

/** Of a page that others have: its address came by mail, or the role has changed. */
export function ForbiddenPage() {
  return (
    <>
      <PageHeader title={t("problem.forbiddenPage")} />
      <Empty title={t("problem.forbidden")} action={<LinkButton to="/">{t("nav.today")}</LinkButton>} />
    </>
  );
}

export function NotFoundPage() {
  return (
    <>
      <PageHeader title={t("problem.notFound")} />
      <Empty title={t("problem.notFoundHint")} action={<LinkButton to="/">{t("nav.today")}</LinkButton>} />
    </>
  );
}
