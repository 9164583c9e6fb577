// Who is signed in: by an API key that this tab keeps, or by a cookie that the browser sends and scripts cannot read.

export type Session = { kind: "key"; key: string } | { kind: "cookie" };

/** What the server says of its own sessions. */
export interface ServerSession {
  /** Whether one can sign in by OpenID Connect. */
  openIdConnect: boolean;
  signedIn: boolean;
}

const STORED = "commlog.key";

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

  /** Takes the key of the URL's fragment (`#key=clk_…`), what an earlier page of this tab kept, or the server's cookie. */
  async restore() {
    const key = new URLSearchParams(window.location.hash.slice(1)).get("key");
    if (key) {
      store(key);
      // The key must not stay in the address bar or in a copied link.
      window.history.replaceState(null, "", window.location.pathname + window.location.search);
    }
    const kept = key ?? stored();
    if (kept) change({ kind: "key", key: kept });
    else if ((await serverSession()).signedIn) change({ kind: "cookie" });
  },

  /** Signs in with a key, kept until the tab is closed or only until the page is left. */
  signIn(key: string, keep: boolean) {
    if (keep) store(key);
    change({ kind: "key", key });
  },

  /** The server no longer takes what requests carry. */
  end() {
    try {
      window.sessionStorage.removeItem(STORED);
    } catch {
      // Nothing was kept.
    }
    change(undefined);
  },

  /** The person leaves: the server forgets its cookie. */
  async signOut() {
    if (current?.kind === "cookie") {
      const response = await fetch("/auth/sign-out", { method: "POST", headers: credentials() });
      if (!response.ok) throw new Error(`sign-out: ${response.status}`);
    }
    session.end();
  },
};

/**
 * What requests carry: the key, or beside the cookie, which the browser adds, a header that no form and no other site's
 * page can send.
 */
export function credentials(of: Session | undefined = current): Record<string, string> {
  return of?.kind === "key" ? { Authorization: `Bearer ${of.key}` } : { "commlog-console": "1" };
}

/** Where the issuer leads back to is an address of the console. */
export const signInAddress = (to: string): string => `/auth/sign-in?to=${encodeURIComponent(to)}`;

/** A server without OpenID Connect, or one that does not respond, has no sessions. */
export async function serverSession(): Promise<ServerSession> {
  try {
    const response = await fetch("/auth/session", { headers: { Accept: "application/json" } });
    if (response.ok) return readSession(await response.json());
  } catch {
    // The page that is shown next says that the server does not respond.
  }
  return { openIdConnect: false, signedIn: false };
}

function readSession(answer: unknown): ServerSession {
  const said = typeof answer === "object" && answer !== null ? answer : {};
  const says = (name: string) => name in said && said[name as keyof typeof said] === true;
  return { openIdConnect: says("openIdConnect"), signedIn: says("signedIn") };
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
