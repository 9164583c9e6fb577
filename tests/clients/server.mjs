// A commlog server of its own for each test file: on loopback, with stores in a temporary folder.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const BINARY = process.env.COMMLOG ?? fileURLToPath(new URL("../../target/debug/commlog", import.meta.url));

/** The longest that anything here is waited for, in milliseconds. */
export const PATIENCE = 30_000;

async function freePort() {
  const probe = createServer();
  await new Promise((ready) => probe.listen(0, "127.0.0.1", ready));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

export class Server {
  static async start() {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "commlog-clients-"));
    const port = await freePort();
    server.origin = `http://127.0.0.1:${port}`;
    server.env = {
      ...process.env,
      COMMLOG_DATA_DIR: server.folder,
      COMMLOG_LISTEN: `127.0.0.1:${port}`,
      COMMLOG_DEFAULT_REGION: "GB",
      COMMLOG_LOG_FILTER: "error",
    };
    const issue = ["keys", "issue", "--role", "admin", "--label", "clients"];
    const issued = execFileSync(BINARY, issue, { env: server.env, cwd: server.folder, encoding: "utf8", timeout: PATIENCE, stdio: ["ignore", "pipe", "ignore"] });
    server.key = issued.match(/clk_[0-9A-Za-z_]+/)[0];
    await server.#run();
    return server;
  }

  get url() {
    return `${this.origin}/graphql`;
  }

  get headers() {
    return { authorization: `Bearer ${this.key}` };
  }

  /** What graphql-ws's `createClient` needs. */
  get socket() {
    return {
      url: this.url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.key}` },
    };
  }

  async #run() {
    const log = openSync(join(this.folder, "server.log"), "a");
    this.process = spawn(BINARY, ["serve"], { env: this.env, cwd: this.folder, stdio: ["ignore", log, log] });
    closeSync(log);
    this.ended = new Promise((ended) => this.process.once("exit", ended));
    const until = Date.now() + PATIENCE;
    for (;;) {
      try {
        if ((await fetch(`${this.origin}/healthz`)).ok) return;
      } catch (error) {
        if (Date.now() > until || this.process.exitCode !== null) {
          throw new Error(`commlog does not serve:\n${readFileSync(join(this.folder, "server.log"), "utf8")}`, { cause: error });
        }
      }
      await new Promise((pause) => setTimeout(pause, 50));
    }
  }

  /** Kills the server as a crash would, and starts it again on the same stores. */
  async restart() {
    this.process.kill("SIGKILL");
    await this.ended;
    await this.#run();
  }

  async stop() {
    this.process.kill("SIGTERM");
    const patience = setTimeout(() => this.process.kill("SIGKILL"), PATIENCE);
    await this.ended;
    clearTimeout(patience);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One request without any client; the data, or an exception. */
  async ask(query, variables = {}) {
    const answer = await fetch(this.url, {
      method: "POST",
      headers: { ...this.headers, "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    for (const payload of Object.values(data)) {
      if (payload?.refusal) throw new Error(payload.refusal.message);
    }
    return data;
  }

  async register(name, addresses = []) {
    const mutation = `mutation ($input: CustomerInput!) {
      registerCustomer(input: $input) { customer { id } refusal { message } }
    }`;
    return (await this.ask(mutation, { input: { name, addresses } })).registerCustomer.customer.id;
  }

  async note(id, text) {
    const mutation = `mutation ($id: ID!, $text: String!) {
      addNote(customerId: $id, text: $text) { position entry { id } refusal { message } }
    }`;
    return (await this.ask(mutation, { id, text })).addNote;
  }
}
