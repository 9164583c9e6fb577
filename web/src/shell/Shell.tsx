import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon, Search } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { Provider, useQuery } from "urql";
import { clientFor } from "../api/client";
import { problemOf } from "../api/problem";
import { IconButton } from "../components/Button";
import { Failure } from "../components/Failure";
import { Toasts } from "../components/Toast";
import { type Session, session } from "../session/session";
import { ViewerContext, ViewerQuery } from "../session/viewer";
import { t } from "../texts";
import { ForbiddenPage } from "./ErrorPage";
import { destinationsFor, isOpenTo } from "./navigation";
import { PageSkeleton } from "./PageSkeleton";
import styles from "./Shell.module.css";
import { Sidebar } from "./Sidebar";
import { useShortcuts } from "./shortcuts";

const Palette = lazy(() => import("./Palette"));
const ShortcutsHelp = lazy(() => import("./ShortcutsHelp"));

/** The frame around all pages, for those who are signed in. */
export function Shell() {
  const signedIn = useSyncExternalStore(session.subscribe, session.current);
  return signedIn ? <SignedIn signedIn={signedIn} /> : null;
}

function SignedIn({ signedIn }: { signedIn: Session }) {
  const client = useMemo(() => clientFor(signedIn), [signedIn]);
  return (
    <Provider value={client}>
      <Frame />
    </Provider>
  );
}

function Frame() {
  const [{ data, error }, retry] = useQuery({ query: ViewerQuery, requestPolicy: "cache-first" });
  const [opened, setOpened] = useState<"palette" | "help" | "drawer">();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const close = () => setOpened(undefined);
  const role = data?.viewer.role;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the drawer closes when another page is shown
  useEffect(close, [path]);

  useShortcuts({
    "mod+k": () => setOpened("palette"),
    "?": () => setOpened("help"),
    ...Object.fromEntries(
      (role ? destinationsFor(role) : []).map((one) => [`g ${one.letter}`, () => navigate({ to: one.to })]),
    ),
  });

  return (
    <div className={styles.frame}>
      <a href="#main" className={styles.skip}>
        {t("shell.skip")}
      </a>
      <header className={styles.bar}>
        <IconButton
          label={t("shell.menu")}
          icon={<MenuIcon />}
          aria-expanded={opened === "drawer"}
          onClick={() => setOpened("drawer")}
        />
        <span className={styles.brand}>commlog</span>
        <IconButton label={t("palette.title")} icon={<Search />} onClick={() => setOpened("palette")} />
      </header>
      <Sidebar
        viewer={data?.viewer}
        isOpen={opened === "drawer"}
        onClose={close}
        onSearch={() => setOpened("palette")}
        onHelp={() => setOpened("help")}
      />
      <main id="main" className={styles.main} tabIndex={-1}>
        {data ? (
          <ViewerContext value={data.viewer}>
            {isOpenTo(data.viewer.role, path) ? <Outlet /> : <ForbiddenPage />}
          </ViewerContext>
        ) : error ? (
          <div className={styles.failure}>
            <Failure problem={problemOf(error)} onRetry={() => retry({ requestPolicy: "network-only" })} />
          </div>
        ) : (
          <PageSkeleton />
        )}
      </main>
      <Suspense>
        {opened === "palette" && role ? <Palette role={role} onClose={close} /> : null}
        {opened === "help" ? <ShortcutsHelp onClose={close} /> : null}
      </Suspense>
      <Toasts />
    </div>
  );
}
