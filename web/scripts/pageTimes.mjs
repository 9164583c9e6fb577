// How fast pages show their content, in Chromium, against a server with much in its store:
//
//     node scripts/pageTimes.mjs URL KEY [ROUNDS]
//
// A page is loaded anew each time, as by a link that was sent; its scripts are in the browser's cache. Shown is a page whose heading
// stands there and whose last placeholder is gone. Typed words count from the last letter to the rows of the answer. All times in
// milliseconds, as the page's own clock has them; the exit code is 1 if one is over its goal. At last, the timeline of a customer with
// 10,000 entries is scrolled from its top to its end; the customer is made if there is none yet, so the key must be allowed to write.
import { existsSync } from "node:fs";
import { chromium } from "@playwright/test";
import { customerWithEntries, emptyFrames, rate, timelineFrames } from "./scrolling.mjs";

const [url, key, rounds = "20"] = process.argv.slice(2);
if (!url || !key) {
  process.stderr.write("usage: pageTimes.mjs URL KEY [ROUNDS]\n");
  process.exit(2);
}
const CONTENT = 500;
const TYPED = 150;
/** The time between the letters of a quick hand: 100 words a minute. */
const HAND = 120;
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));

const ask = async (query, variables = {}) => {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
};

const uuidOf = (id) => id.slice(id.indexOf(":") + 1);
const found = await ask(`{
  customers(first: 20) { nodes { id name } }
  messages(first: 1) { nodes { id } }
  lists(first: 1) { nodes { id } }
  campaigns(first: 1) { nodes { id } }
  events(first: 1) { nodes { id } }
}`);
const one = (name, path) => found[name].nodes.slice(0, 1).map(({ id }) => `${path}/${uuidOf(id)}`);
const pages = [
  "/today",
  "/customers",
  ...one("customers", "/customers"),
  "/messages",
  ...one("messages", "/messages"),
  "/inbox",
  "/lists",
  ...one("lists", "/lists"),
  "/lists/new",
  "/templates",
  "/campaigns",
  ...one("campaigns", "/campaigns"),
  "/campaigns/new",
  "/notifications",
  "/imports",
  "/imports/exports",
  "/audit",
  ...one("events", "/audit/events"),
  "/audit/integrity",
  "/settings/accounts",
  "/settings/policy",
  "/settings/system",
];

const browser = await chromium.launch({ executablePath });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
await context.addInitScript(() => {
  const look = () => {
    const isShown = document.querySelector("main h1") && !document.querySelector('main [class*="skeleton"]');
    if (isShown) window.shownAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
const page = await context.newPage();

let isOver = false;
const report = (what, times, goal) => {
  times.sort((a, b) => a - b);
  const at = (share) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))]);
  isOver ||= at(0.95) > goal;
  process.stdout.write(`${what.padEnd(60)} p50 ${at(0.5)}  p95 ${at(0.95)}  (goal ${goal})\n`);
};

const load = async (path) => {
  // Another fragment of the same page would not load it.
  await page.goto("about:blank");
  await page.goto(`${url}${path}#key=${key}`, { waitUntil: "commit" });
  await page.waitForFunction(() => window.shownAt !== undefined);
  return page.evaluate(() => window.shownAt);
};

for (const path of pages) {
  await load(path);
  const times = [];
  for (let round = 0; round < Number(rounds); round++) times.push(await load(path));
  report(path, times, CONTENT);
}

// Words of names that are there, one after the other into the same field.
await load("/customers");
const names = found.customers.nodes.flatMap(({ name }) => (name ?? "").split(" ")).filter((word) => word.length > 2);
const typing = async (delay) => {
  const times = [];
  for (let round = 0; round < Number(rounds) && names.length > 0; round++) {
    const word = names[round % names.length];
    const field = page.getByRole("searchbox").first();
    await field.fill("");
    await field.pressSequentially(word.slice(0, -1), { delay });
    const answered = page.evaluate(
      (word) =>
        new Promise((resolve) => {
          document.addEventListener(
            "input",
            () => {
              const typed = performance.now();
              const look = () => {
                const answers = performance
                  .getEntriesByType("resource")
                  .filter(({ name }) => name.endsWith("/graphql"));
                // The first answer has the rows; the table says when it shows them, and they have the word.
                const grid = document.querySelector('[role="grid"]');
                const isAnswered = answers.some(({ startTime, responseEnd }) => startTime >= typed && responseEnd > 0);
                const isShown = grid?.getAttribute("aria-busy") === "false" && grid.textContent.includes(word);
                if (isAnswered && isShown) {
                  requestAnimationFrame(() => resolve(performance.now() - typed));
                } else requestAnimationFrame(look);
              };
              performance.clearResourceTimings();
              look();
            },
            { once: true, capture: true },
          );
        }),
      word,
    );
    await field.press(word.at(-1));
    times.push(await answered);
  }
  return times;
};
if (names.length > 0) {
  report(`search as you type, a letter in ${HAND} ms`, await typing(HAND), TYPED);
  report("search as you type, all letters at once", await typing(0), TYPED);
}

const customer = await customerWithEntries(ask);
const best = rate(await emptyFrames(page));
await load(`/customers/${uuidOf(customer)}`);
await page.waitForSelector("article");
const scrolled = await timelineFrames(page);
const drawn = rate(scrolled.frames);
for (const [what, found] of Object.entries({ "an empty page": best, "10,000 entries of a timeline": drawn })) {
  const figures = `${found.perSecond.toFixed(1)} frames/s, ${found.over17} % over 17 ms, ${found.over34} % over 34 ms`;
  process.stdout.write(`${`scrolling ${what}`.padEnd(60)} ${figures}\n`);
}
process.stdout.write(`${"".padEnd(60)} ${scrolled.frames.length} frames, ${scrolled.height} pixels\n`);
// The machine itself may draw less than 60.
isOver ||= drawn.perSecond < 0.97 * Math.min(60, best.perSecond);

await browser.close();
process.exit(isOver ? 1 : 0);
