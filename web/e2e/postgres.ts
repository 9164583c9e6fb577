import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./freePort";

/** A PostgreSQL of its own, with empty databases. */
export interface Postgres {
  /** The URL of one of its databases. */
  url: (database: Database) => string;
  stop: () => Promise<void>;
}

/** Keys are refused in the log's own database. */
type Database = "log" | "read" | "keys";

// The server belongs to a shell that waits on a pipe from this process: however this ends, the shell stops the server and
// removes its folder.
const KEEPER = `
cd "$DIR" || exit 1
test -z "$AS" || chown postgres "$DIR" || exit 1
trap '$AS "$BIN/pg_ctl" stop -D "$DIR/data" -m immediate >"$DIR/stop.log" 2>&1; rm -rf "$DIR"' EXIT
{ $AS "$BIN/initdb" -D "$DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync &&
  $AS "$BIN/pg_ctl" start -D "$DIR/data" -w -l "$DIR/server.log" -o "$OPTIONS" &&
  createdb="$BIN/createdb -h 127.0.0.1 -p $PORT -U postgres" && $createdb log && $createdb read && $createdb keys
} >"$DIR/start.log" 2>&1 || { cat "$DIR/start.log" "$DIR/server.log" >&2; exit 1; }
echo ready
cat >"$DIR/end"
`;

export async function startPostgres(): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), "commlog-postgres-"));
  const port = await freePort();
  const keeper = spawn("sh", ["-c", KEEPER], {
    env: {
      PATH: process.env.PATH,
      DIR: folder,
      PORT: String(port),
      BIN: binaries(),
      // PostgreSQL refuses to run as root.
      AS: userInfo().uid === 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups" : "",
      // No protection against power cuts.
      OPTIONS: `-c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -p ${port} -k ${folder}`,
    },
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const ended = once(keeper, "exit");
  const [line] = await Promise.race([once(createInterface({ input: keeper.stdout }), "line"), ended]);
  if (line !== "ready") throw new Error("PostgreSQL does not start; its messages stand above");
  return {
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    async stop() {
      keeper.stdin.end();
      await ended;
    },
  };
}

/** Debian keeps them apart from the path. */
function binaries(): string {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  const places = [...(process.env.PATH ?? "").split(":"), ...versions.map((version) => `${debian}/${version}/bin`)];
  const found = places.map((place) => join(place, "initdb")).find((program) => existsSync(program));
  if (!found) throw new Error("PostgreSQL's initdb is neither on the path nor where Debian has it");
  // On the path may be a link to one program only.
  return dirname(realpathSync(found));
}
