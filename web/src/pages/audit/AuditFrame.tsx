import type { ReactNode } from "react";
import { LinkTabs } from "../../components/LinkTabs";
import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";
import styles from "./AuditFrame.module.css";

const TABS = [
  ["/audit", "events"],
  ["/audit/reads", "reads"],
  ["/audit/integrity", "integrity"],
] as const;

interface AuditFrameProps {
  section: (typeof TABS)[number][1];
  actions?: ReactNode;
  children: ReactNode;
}

export function AuditFrame({ section, actions, children }: AuditFrameProps) {
  return (
    <div className={styles.page}>
      <PageHeader title={t(`audit.section.${section}`)} above={t("nav.audit")} actions={actions} />
      <LinkTabs label={t("nav.audit")} tabs={TABS.map(([to, name]) => ({ to, label: t(`audit.section.${name}`) }))} />
      {children}
    </div>
  );
}
