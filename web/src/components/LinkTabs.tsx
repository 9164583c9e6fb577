import { Link, type LinkProps, useLocation } from "@tanstack/react-router";
import styles from "./LinkTabs.module.css";
import { useChosenInSight } from "./useChosenInSight";

interface LinkTab extends Pick<LinkProps, "to"> {
  label: string;
}

/** Pages that belong together, side by side. */
export function LinkTabs({ label, tabs }: { label: string; tabs: readonly LinkTab[] }) {
  const row = useChosenInSight<HTMLElement>(useLocation().pathname);
  return (
    <nav ref={row} aria-label={label} className={styles.tabs}>
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
