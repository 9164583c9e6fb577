import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { freePort } from "./freePort";
import { CLIENT, type Issuer, ROLES, SECRET, startIssuer } from "./issuer";
import { type Postgres, startPostgres } from "./postgres";

/** A server of its own, with the demo's customers, that serves the console as people get it. */
export interface Commlog {
  url: string;
  /** Of an administrator. */
  key: string;
  /** Runs a document as another client of the API, by default with the administrator's key. */
  api: (query: string, variables?: Record<string, unknown>, key?: string) => Promise<unknown>;
  /** Runs a command of the command line on the same stores. */
  command: (...args: string[]) => Promise<void>;
  stop: () => Promise<void>;
}

// The server belongs to a shell that waits on a pipe from this process: however this ends, the shell stops the server and
// removes its folder.
const KEEPER = `
"$PROGRAM" demo & server=$!
exec >/dev/null
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$COMMLOG_DATA_DIR"' EXIT
cat
`;

export async function startCommlog(): Promise<Commlog> {
  const program = process.env.COMMLOG_BIN;
  if (!program) throw new Error("COMMLOG_BIN names the built commlog that the stories run against");
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const issuer = await startIssuer();
  const postgres = process.env.COMMLOG_E2E_ENGINE === "postgres" ? await startPostgres() : undefined;
  const env = {
    PATH: process.env.PATH,
    PROGRAM: program,
    COMMLOG_DATA_DIR: await mkdtemp(join(tmpdir(), "commlog-e2e-")),
    COMMLOG_LISTEN: address,
    COMMLOG_PUBLIC_URL: url,
    ...openIdConnect(issuer),
    ...stores(postgres),
  };
  const keeper = spawn("sh", ["-c", KEEPER], { env, stdio: ["pipe", "pipe", "inherit"], detached: true });
  const ended = once(keeper, "exit");
  const administrator = await printedKey(createInterface({ input: keeper.stdout }));
  return {
    url,
    key: administrator,
    async api(query, variables, key = administrator) {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
    async command(...args) {
      await promisify(execFile)(program, args, { env });
    },
    async stop() {
      keeper.stdin.end();
      await ended;
      await postgres?.stop();
      await issuer.stop();
    },
  };
}

/** Where the server keeps everything: in its own folder, unless the stories run on PostgreSQL. */
function stores(postgres: Postgres | undefined): Record<string, string> {
  if (!postgres) return {};
  return {
    COMMLOG_LOG_URL: postgres.url("log"),
    COMMLOG_READ_URL: postgres.url("read"),
    COMMLOG_KEYS_URL: postgres.url("keys"),
    COMMLOG_MASTER_KEY: randomBytes(32).toString("hex"),
  };
}

const openIdConnect = (issuer: Issuer): Record<string, string> => ({
  COMMLOG_OIDC_ISSUER: issuer.url,
  COMMLOG_OIDC_CLIENT_ID: CLIENT,
  COMMLOG_OIDC_CLIENT_SECRET: SECRET,
  COMMLOG_OIDC_ROLES: ROLES,
});

/** The demo prints its key once the server takes requests. */
async function printedKey(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const key = /API key\s+(clk_\w+)/.exec(line)?.[1];
    if (key) return key;
  }
  throw new Error("commlog ended before it printed a key");
}
