import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { type Commlog, startCommlog } from "./commlog";
import { serveDist } from "./dist";

/** Stories share one server; a page whose console says an error fails its story. */
export const test = base.extend<{ page: Page }, { commlog: Commlog }>({
  commlog: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern what a fixture needs
    async ({}, use) => {
      const commlog = await startCommlog();
      await use(commlog);
      await commlog.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  baseURL: async ({ commlog }, use) => use(commlog.url),
  context: async ({ context, commlog }, use) => {
    if (process.env.COMMLOG_E2E_DIST) await serveDist(context, commlog);
    await use(context);
  },
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("console", (message) => {
      // The browser reports each refused key by itself; the page says so in words.
      const isRefusedKey = message.text().includes("401 (Unauthorized)");
      // The frame of a mail runs no script, and so not Playwright's own, which it brings into each frame.
      const isFrameOfMail = message.text().startsWith("Blocked script execution in 'about:srcdoc'");
      if (message.type() === "error" && !isRefusedKey && !isFrameOfMail) errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
    await use(page);
    expect(errors, "errors in the browser's console").toEqual([]);
  },
});

export { expect };

/** Opens a page of the console, signed in as administrator. */
export const open = (page: Page, commlog: Commlog, path = "/") => signIn(page, commlog.key, path);

/** Opens a page of the console, signed in with a key. */
export async function signIn(page: Page, key: string, path: string) {
  await page.goto(`${path}#key=${key}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

export interface Registered {
  /** As the API has it. */
  id: string;
  /** As it stands in addresses of the console. */
  uuid: string;
  email: string;
}

/** A customer of the story's own, with a mailbox and perhaps a phone. */
export async function register(commlog: Commlog, name: string, phone?: string): Promise<Registered> {
  const email = `${name.toLowerCase().replaceAll(" ", ".")}@example.com`;
  const phones = phone ? [{ kind: "PHONE", address: phone }] : [];
  const made = (await commlog.api(
    "mutation ($input: CustomerInput!) { registerCustomer(input: $input) { customerId customer { id } } }",
    { input: { name, addresses: [{ kind: "EMAIL", address: email }, ...phones] } },
  )) as { registerCustomer: { customerId: string } };
  const id = made.registerCustomer.customerId;
  return { id, uuid: id.slice("Customer:".length), email };
}

/** Nothing serious on the page as it is now. */
export async function expectAccessible(page: Page) {
  // Frames of mails take no script, the checker's neither.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
