import { FileUp } from "lucide-react";
import type { ReactNode } from "react";
import { LinkButton } from "../../components/Button";
import { LinkTabs } from "../../components/LinkTabs";
import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";
import styles from "./Imports.module.css";

export const newImportButton = () => (
  <LinkButton to="/imports/new" kind="primary" icon={<FileUp aria-hidden="true" />}>
    {t("imports.new")}
  </LinkButton>
);

export function ImportsFrame({ section, children }: { section: "imports" | "exports"; children: ReactNode }) {
  return (
    <div className={styles.frame}>
      <PageHeader title={t(`imports.section.${section}`)} actions={newImportButton()} />
      <LinkTabs
        label={t("nav.imports")}
        tabs={[
          { to: "/imports", label: t("imports.section.imports") },
          { to: "/imports/exports", label: t("imports.section.exports") },
        ]}
      />
      {children}
    </div>
  );
}
