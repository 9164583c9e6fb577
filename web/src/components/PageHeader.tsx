import { type ReactNode, useEffect } from "react";
import styles from "./PageHeader.module.css";

interface PageHeaderProps {
  title: string;
  /** Replaces the title where it is more than words. */
  children?: ReactNode;
  actions?: ReactNode;
  /** Where the page hangs: a link to the list that it belongs to. */
  above?: ReactNode;
}

/** The page's heading, its actions, and the document's title. */
export function PageHeader({ title, children, actions, above }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · commlog`;
  }, [title]);
  return (
    <header className={styles.header}>
      <div className={styles.names}>
        {above ? <div className={styles.above}>{above}</div> : null}
        <h1 title={title}>{children ?? <bdi>{title}</bdi>}</h1>
      </div>
      {actions ? <div className={styles.actions}>{actions}</div> : null}
    </header>
  );
}
