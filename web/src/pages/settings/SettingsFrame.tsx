import type { ReactNode } from "react";
import { LinkTabs } from "../../components/LinkTabs";
import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";
import styles from "./SettingsFrame.module.css";

const SECTIONS = ["accounts", "keys", "policy", "tracking", "brand", "replies", "system"] as const;

interface SettingsFrameProps {
  section: (typeof SECTIONS)[number];
  actions?: ReactNode;
  /** The content is a table as wide and high as the page. */
  isTable?: boolean;
  children: ReactNode;
}

/** The settings' heading and the way to the other ones. */
export function SettingsFrame({ section, actions, isTable = false, children }: SettingsFrameProps) {
  return (
    <div className={styles.page}>
      <PageHeader title={t(`settings.section.${section}`)} above={t("nav.settings")} actions={actions} />
      <LinkTabs
        label={t("nav.settings")}
        tabs={SECTIONS.map((one) => ({ to: `/settings/${one}`, label: t(`settings.section.${one}`) }))}
      />
      <div className={isTable ? styles.table : styles.content}>{children}</div>
    </div>
  );
}
