import { Link } from "@tanstack/react-router";
import { CircleUser, Keyboard, LogOut, Search, WifiOff } from "lucide-react";
import { useEffect, useRef } from "react";
import { useConnection } from "../api/connection";
import { Menu } from "../components/Menu";
import { toast } from "../components/Toast";
import { session } from "../session/session";
import type { Viewer } from "../session/viewer";
import { LANGUAGES, language, loadLanguage, t } from "../texts";
import { GROUPS } from "./navigation";
import styles from "./Sidebar.module.css";
import { setTheme, THEMES, useTheme } from "./theme";

interface SidebarProps {
  viewer: Viewer | undefined;
  /** Of the drawer on narrow screens. */
  isOpen: boolean;
  onClose: () => void;
  onSearch: () => void;
  onHelp: () => void;
}

export function Sidebar({ viewer, isOpen, onClose, onSearch, onHelp }: SidebarProps) {
  const isLost = useConnection() === "lost";
  const drawer = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const before = document.activeElement;
    drawer.current?.querySelector("a")?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, [isOpen]);
  return (
    <>
      {isOpen ? (
        <button type="button" className={styles.veil} aria-label={t("common.close")} onClick={onClose} />
      ) : null}
      <aside
        ref={drawer}
        className={`${styles.sidebar} ${isOpen ? styles.open : ""}`}
        onKeyDown={(event) => {
          if (event.key === "Escape") onClose();
        }}
      >
        <div className={styles.brand}>commlog</div>
        <button type="button" className={styles.search} onClick={onSearch}>
          <Search aria-hidden="true" />
          {t("palette.open")}
          <kbd>{t("palette.keys")}</kbd>
        </button>
        <nav aria-label={t("shell.navigation")} className={styles.nav}>
          {GROUPS.map((group) => (
            <ul key={group.name} className={styles.group}>
              {group.destinations
                .filter((one) => !one.roles || (viewer && one.roles.includes(viewer.role)))
                .map((one) => (
                  <li key={one.to}>
                    <Link
                      to={one.to}
                      className={styles.link}
                      activeProps={{ "data-active": true }}
                      activeOptions={{ exact: one.to === "/", includeSearch: false }}
                    >
                      {one.icon}
                      {t(`nav.${one.name}`)}
                    </Link>
                  </li>
                ))}
            </ul>
          ))}
        </nav>
        <div className={styles.foot}>
          <p className={styles.lost} role="status">
            {isLost ? (
              <>
                <WifiOff aria-hidden="true" /> {t("shell.lost")}
              </>
            ) : null}
          </p>
          <Account viewer={viewer} onHelp={onHelp} />
        </div>
      </aside>
    </>
  );
}

const signOut = () => void session.signOut().catch(() => toast(t("problem.offline"), { isProblem: true }));

/** Of whoever signed in, or acts through a key; a key alone is called by its role. */
const nameOf = ({ userId, author, role }: Viewer): string => (userId && (author.name ?? userId)) || t(`role.${role}`);

function Account({ viewer, onHelp }: { viewer: Viewer | undefined; onHelp: () => void }) {
  const theme = useTheme();
  return (
    <Menu
      trigger={
        <button type="button" className={styles.account}>
          <CircleUser aria-hidden="true" />
          <bdi title={viewer && t(`role.${viewer.role}`)}>{viewer ? nameOf(viewer) : t("common.loading")}</bdi>
        </button>
      }
      groups={[
        THEMES.map((one) => ({ label: t(`theme.${one}`), checked: one === theme, onSelect: () => setTheme(one) })),
        LANGUAGES.map((one) => ({
          label: t(`language.${one}`),
          checked: one === language(),
          onSelect: () => void loadLanguage(one),
        })),
        [
          { label: t("shortcuts.title"), icon: <Keyboard />, onSelect: onHelp },
          { label: t("session.signOut"), icon: <LogOut />, onSelect: signOut },
        ],
      ]}
    />
  );
}
