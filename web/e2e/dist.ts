import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { BrowserContext } from "@playwright/test";
import type { Commlog } from "./commlog";

const DIST = join(import.meta.dirname, "../dist");
const TYPES: Record<string, string> = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript" };

/** Shows the pages of `web/dist` instead of those that the binary was built with, under the binary's own policy. */
export async function serveDist(context: BrowserContext, { url }: Commlog) {
  const page = await fetch(url);
  const policy = page.headers.get("content-security-policy") ?? "";
  const isOurs = ({ origin, pathname }: URL) =>
    origin === url &&
    !/^\/(?:graphql|graphiql|auth|attachments|confirm|exports|import-files|import-runs|in-app|preferences|u|webhooks)\b/.test(
      pathname,
    );
  await context.route(isOurs, async (route) => {
    const { pathname } = new URL(route.request().url());
    const isPage = route.request().resourceType() === "document";
    const file = join(DIST, `${isPage ? "index.html" : pathname}.gz`);
    if (!existsSync(file)) return route.fallback();
    await route.fulfill({
      body: await promisify(gunzip)(await readFile(file)),
      contentType: TYPES[extname(isPage ? "index.html" : pathname)],
      headers: { "Content-Security-Policy": policy },
    });
  });
}
