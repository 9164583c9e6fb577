import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A server of its own, with the demo's customers, that serves the console as people get it. */
export interface Commlog {
  url: string;
  /** Of an administrator. */
  key: string;
  /** Runs a document with the key, as another client of the API. */
  api: (query: string, variables?: Record<string, unknown>) => Promise<unknown>;
  stop: () => Promise<void>;
}

export async function startCommlog(): Promise<Commlog> {
  const program = process.env.COMMLOG_BIN;
  if (!program) throw new Error("COMMLOG_BIN names the built commlog that the stories run against");
  const folder = await mkdtemp(join(tmpdir(), "commlog-e2e-"));
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn(program, ["demo"], {
    env: { PATH: process.env.PATH, COMMLOG_DATA_DIR: folder, COMMLOG_LISTEN: address },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const key = await printedKey(server);
  const url = `http://${address}`;
  return {
    url,
    key,
    async api(query, variables) {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
    async stop() {
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** The demo prints its key once the server takes requests. */
async function printedKey(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error("the server's output is not read");
  for await (const line of createInterface({ input: server.stdout })) {
    const key = /API key\s+(clk_\w+)/.exec(line)?.[1];
    if (key) return key;
  }
  throw new Error("commlog ended before it printed a key");
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
