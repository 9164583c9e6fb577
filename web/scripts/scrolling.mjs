// How many frames a second Chromium draws while one scrolls through a customer's whole timeline.
//
// The customer has 10,000 entries and is made where there is none yet. Chromium without a graphics card draws on the processor, beside
// the server: a page that only moves a box is measured in the same run, as what this machine can do at best.

/** How far one turn of a wheel goes between two frames, in pixels: all of 10,000 entries in about two minutes. */
const STEP = 100;
const ENTRIES = 10_000;
const EXTERNAL_ID = "page-times-10000";
/** Requests at a time. */
const WRITERS = 16;

/** The customer's id. */
export async function customerWithEntries(ask) {
  const found = await ask(
    "query($search: String) { customers(first: 1, filter: { search: $search }) { nodes { id } } }",
    {
      search: EXTERNAL_ID,
    },
  );
  if (found.customers.nodes.length > 0) return found.customers.nodes[0].id;
  const { registerCustomer } = await ask(
    "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId refusal { message } } }",
    { input: { externalId: EXTERNAL_ID, name: "Ten Thousand" } },
  );
  if (registerCustomer.refusal) throw new Error(registerCustomer.refusal.message);
  const customerId = registerCustomer.customerId;
  let next = 0;
  let position;
  const write = async () => {
    while (next < ENTRIES - 1) {
      const number = next++;
      const { recordActivity } = await ask(
        "mutation($input: ActivityInput!) { recordActivity(input: $input) { position refusal { message } } }",
        {
          input: {
            customerId,
            kind: number % 3 === 0 ? "ORDER" : "APPOINTMENT",
            reference: `R-${number}`,
            title: `Entry ${number}`,
            // Seven a day: each day has its heading.
            occurredAt: new Date(Date.now() - Math.floor((number * 86_400_000) / 7)).toISOString(),
            ...(number % 3 === 0 ? { amountMicros: "12500000", currency: "EUR", status: "paid" } : {}),
          },
        },
      );
      if (recordActivity.refusal) throw new Error(recordActivity.refusal.message);
      position = recordActivity.position;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  await ask("query($id: ID!, $waitFor: Position) { customer(id: $id, waitFor: $waitFor) { id } }", {
    id: customerId,
    waitFor: position,
  });
  return customerId;
}

/** The times between frames, in milliseconds, while `scroller` is turned to its end. */
const turned = (page, scroller, limit) =>
  page.evaluate(
    ([selector, step, limit]) =>
      new Promise((resolve) => {
        const scroller = document.querySelector(selector);
        const frames = [];
        let before;
        let isAtEndSince;
        const frame = (now) => {
          if (before !== undefined) frames.push(now - before);
          before = now;
          const top = scroller.scrollTop;
          scroller.scrollTop = top + step;
          // More may be on its way.
          if (scroller.scrollTop > top) isAtEndSince = undefined;
          else isAtEndSince ??= now;
          if ((isAtEndSince !== undefined && now - isAtEndSince > 3000) || frames.length >= limit) {
            resolve({ frames, height: scroller.scrollHeight, rows: scroller.querySelectorAll("article").length });
          } else requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      }),
    [scroller, STEP, limit],
  );

/** What the machine can do: a page with nothing in it but a box that is scrolled. */
export async function emptyFrames(page) {
  await page.goto("about:blank");
  await page.setContent('<div id="s" style="height:800px;overflow:auto"><div style="height:10000000px">.</div></div>');
  return (await turned(page, "#s", 600)).frames;
}

/** While the timeline that is open is scrolled from its top to its end. */
export const timelineFrames = (page) => turned(page, '[role="group"][aria-busy]', Number.MAX_SAFE_INTEGER);

/** Frames a second, and the share of frames that took longer than one and two of 60 a second, in percent. */
export function rate(frames) {
  const share = (limit) => ((100 * frames.filter((time) => time > limit).length) / frames.length).toFixed(1);
  const sum = frames.reduce((total, time) => total + time, 0);
  return { perSecond: (1000 * frames.length) / sum, over17: share(17.5), over34: share(34) };
}
