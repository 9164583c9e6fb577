import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

/** A small OpenID Connect issuer: it asks nobody for a password, only who they are. */
export interface Issuer {
  url: string;
  stop: () => Promise<void>;
}

export const CLIENT = "commlog";
export const SECRET = "secret of the stories";

/** Who can sign in, and the groups they are in. */
const PEOPLE = {
  "Ada Lovelace": ["staff", "crm-admins"],
  "Hugo Helpdesk": ["staff", "help-desk"],
  "Nora Newcomer": ["staff"],
} as const satisfies Record<string, readonly string[]>;
type PersonName = keyof typeof PEOPLE;

/** As it stands in the server's configuration. */
export const ROLES = "crm-admins=admin, help-desk=agent";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

interface Answer {
  status?: number;
  type?: string;
  body?: string;
  location?: string;
}

export async function startIssuer(): Promise<Issuer> {
  /** What was asked for, by the code that was given for it. */
  const asked = new Map<string, { name: PersonName; asked: URLSearchParams }>();
  const server = createServer(async (request, response) => {
    const { status = 200, type = "application/json", body = "", location } = await answer(request);
    response.writeHead(status, location ? { Location: location } : { "Content-Type": type }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the issuer listens on a port");
  const url = `http://127.0.0.1:${address.port}`;

  async function answer(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? "/", url);
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return { body: JSON.stringify(described(url)) };
      case "/keys":
        return { body: JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), alg: "RS256", kid: "1" }] }) };
      case "/authorize":
        return { type: "text/html", body: whoAreYou(searchParams) };
      case "/choose":
        return chosen(searchParams);
      case "/token":
        return tokens(new URLSearchParams(await text(request)), request.headers.authorization);
      default:
        return { status: 204 };
    }
  }

  function chosen(given: URLSearchParams): Answer {
    const name = given.get("name") ?? "";
    if (!(name in PEOPLE)) return { status: 400 };
    const code = randomUUID();
    asked.set(code, { name: name as PersonName, asked: given });
    return { status: 302, location: `${given.get("redirect_uri")}?code=${code}&state=${given.get("state")}` };
  }

  function tokens(given: URLSearchParams, authorization: string | undefined): Answer {
    const secret = Buffer.from(`${CLIENT}:${new URLSearchParams({ "": SECRET }).toString().slice(1)}`);
    if (authorization !== `Basic ${secret.toString("base64")}`) return { status: 401 };
    const code = given.get("code") ?? "";
    const found = asked.get(code);
    asked.delete(code);
    const proof = createHash("sha256")
      .update(given.get("code_verifier") ?? "")
      .digest("base64url");
    if (!found || found.asked.get("code_challenge") !== proof)
      return { status: 400, body: '{"error":"invalid_grant"}' };
    const now = Math.floor(Date.now() / 1_000);
    const token = signed({
      iss: url,
      aud: CLIENT,
      sub: found.name,
      name: found.name,
      groups: PEOPLE[found.name],
      nonce: found.asked.get("nonce"),
      iat: now,
      exp: now + 300,
    });
    return { body: JSON.stringify({ access_token: "unused", token_type: "Bearer", id_token: token }) };
  }

  return {
    url,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const described = (url: string) => ({
  issuer: url,
  authorization_endpoint: `${url}/authorize`,
  token_endpoint: `${url}/token`,
  jwks_uri: `${url}/keys`,
  response_types_supported: ["code"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"],
});

function whoAreYou(asked: URLSearchParams): string {
  const links = Object.keys(PEOPLE).map((name) => {
    const given = new URLSearchParams(asked);
    given.set("name", name);
    return `<li><a href="/choose?${given.toString().replaceAll("&", "&amp;")}">${name}</a></li>`;
  });
  return `<!doctype html><html lang="en"><title>Who are you?</title><h1>Who are you?</h1><ul>${links.join("")}</ul></html>`;
}

function signed(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${part({ alg: "RS256", kid: "1" })}.${part(claims)}`;
  return `${content}.${sign("sha256", Buffer.from(content), privateKey).toString("base64url")}`;
}
