import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { type Commlog, startCommlog } from "./commlog";

/** Stories share one server a file; a page whose console says an error fails its story. */
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

/** Opens a page of the console, signed in. */
export async function open(page: Page, commlog: Commlog, path = "/") {
  await page.goto(`${path}#key=${commlog.key}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

/** Nothing serious on the page as it is now. */
export async function expectAccessible(page: Page) {
  // Frames of mails take no script, the checker's neither.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
