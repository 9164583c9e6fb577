// Who is signed in: by an API key that this tab keeps, or by a cookie that the browser sends and scripts cannot read.

export type Session = { kind: "key"; key: string } | { kind: "cookie" };

const STORED = "commlog.key";
const COOKIE = "cookie";

let current: Session | undefined;
const listeners = new Set<() => void>();

function change(session: Session | undefined) {
  current = session;
  for (const listener of listeners) listener();
}

export const session = {
  current: () => current,

  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },

  /** Takes the key of the URL's fragment (`#key=clk_…`), or what an earlier page of this tab kept. */
  restore() {
    const key = new URLSearchParams(window.location.hash.slice(1)).get("key");
    if (key) {
      store(key);
      // The key must not stay in the address bar or in a copied link.
      window.history.replaceState(null, "", window.location.pathname + window.location.search);
    }
    const kept = key ?? stored();
    change(kept === COOKIE ? { kind: "cookie" } : kept ? { kind: "key", key: kept } : undefined);
  },

  /** Signs in with a key, kept until the tab is closed or only until the page is left. */
  signIn(key: string, keep: boolean) {
    if (keep) store(key);
    change({ kind: "key", key });
  },

  /** The server has set a session cookie. */
  signedInByCookie() {
    store(COOKIE);
    change({ kind: "cookie" });
  },

  end() {
    try {
      window.sessionStorage.removeItem(STORED);
    } catch {
      // Nothing was kept.
    }
    change(undefined);
  },
};

/** What requests carry: nothing with a cookie, which the browser adds. */
export function credentials(of: Session | undefined = current): Record<string, string> {
  return of?.kind === "key" ? { Authorization: `Bearer ${of.key}` } : {};
}

function store(value: string) {
  try {
    window.sessionStorage.setItem(STORED, value);
  } catch {
    // A browser without storage keeps the key in memory.
  }
}

function stored(): string | null {
  try {
    return window.sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}
