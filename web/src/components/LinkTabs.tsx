import { Link, type LinkProps } from "@tanstack/react-router";
import styles from "./LinkTabs.module.css";

interface LinkTab extends Pick<LinkProps, "to"> {
  label: string;
}

/** Pages that belong together, side by side. */
export function LinkTabs({ label, tabs }: { label: string; tabs: readonly LinkTab[] }) {
  return (
    <nav aria-label={label} className={styles.tabs}>
      {tabs.map((tab) => (
        <Link
          key={tab.to}
          to={tab.to}
          className={styles.tab}
          activeProps={{ "data-active": true }}
          activeOptions={{ exact: true, includeSearch: false }}
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
