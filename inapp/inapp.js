// Messages in a page: shows the unread ones of the customer who is signed in, in a corner, or hands them to your own code.
//
//   import { connect } from "https://commlog.example/inapp.js";
//   connect({ token: async () => (await fetch("/my/commlog-token")).text() });
//
// `token` asks your own server for a token of the customer who is signed in, again whenever the last one has ended.
// docs/in-app.md lists all options and what `connect` returns.

const FIELDS = "unread messages { id title body topic sentAt isUnread seenAt clickedAt }";
const OWN_URL = new URL(".", import.meta.url).href;
/** The pauses between attempts to connect, in seconds. */
const PAUSES = [1, 2, 5, 10, 30, 60];
/** A stream that is silent for so long is dead: the server says something every 20 seconds. */
const SILENCE = 50_000;

export function connect(options) {
  if (typeof options?.token !== "function") throw new TypeError("inapp: `token` must be a function");
  const endpoint = new URL("in-app/graphql", options.url ?? OWN_URL).href;
  const { onInbox, onError = () => {}, show = !onInbox, first = 20 } = options;
  const stopped = new AbortController();
  const corner = show ? makeCorner(options.labels, { seen, dismiss, clicked }) : null;
  let token = null;
  let attempts = 0;

  async function request(query, variables, accept, signal) {
    for (let attempt = 0; ; attempt++) {
      token ??= Promise.resolve(options.token());
      const mine = token;
      let text;
      try {
        text = (await mine).trim();
      } catch (error) {
        if (token === mine) token = null;
        throw error;
      }
      const response = await fetch(endpoint, {
        method: "POST",
        mode: "cors",
        credentials: "omit",
        signal,
        headers: { authorization: `Bearer ${text}`, "content-type": "application/json", accept },
        body: JSON.stringify({ query, variables }),
      });
      if (response.status === 401 && attempt === 0) {
        if (token === mine) token = null; // It has ended, and nobody has asked for another one yet.
        continue;
      }
      if (!response.ok) throw new Error(`inapp: the server answered ${response.status}`);
      return response;
    }
  }

  async function mutate(query, variables) {
    const response = await request(query, variables, "application/json", stopped.signal);
    const { data, errors } = await response.json();
    if (errors?.length) throw new Error(`inapp: ${errors[0].message}`);
    return data;
  }

  function take(inbox) {
    corner?.update(inbox);
    onInbox?.(inbox);
    return inbox;
  }

  async function report(query, variables) {
    return take(Object.values(await mutate(query, variables))[0]);
  }

  function seen(ids) {
    return report(`mutation($ids: [ID!]!) { markSeen(ids: $ids) { ${FIELDS} } }`, { ids });
  }

  function dismiss(ids) {
    return report(`mutation($ids: [ID!]!) { dismiss(ids: $ids) { ${FIELDS} } }`, { ids });
  }

  function clicked(id, url) {
    return report(`mutation($id: ID!, $url: String) { markClicked(id: $id, url: $url) { ${FIELDS} } }`, { id, url });
  }

  async function device(query, variables) {
    const { refusal } = Object.values(await mutate(query, variables))[0];
    if (refusal) throw new Error(`inapp: ${refusal.message}`);
  }

  async function follow() {
    const silent = new AbortController();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(new Error("inapp: the connection is silent")), SILENCE);
    };
    alive();
    try {
      const query = `subscription($first: Int!) { inbox(first: $first) { ${FIELDS} } }`;
      const signal = AbortSignal.any([stopped.signal, silent.signal]);
      const response = await request(query, { first }, "text/event-stream", signal);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        alive();
        text += value;
        const events = text.split("\n\n");
        text = events.pop();
        for (const event of events) {
          const lines = event.split("\n");
          if (!lines.includes("event: next")) continue;
          const { data, errors } = JSON.parse(lines.find((line) => line.startsWith("data:")).slice(5));
          if (errors?.length) throw new Error(`inapp: ${errors[0].message}`);
          attempts = 0;
          take(data.inbox);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async function keepFollowing() {
    while (!stopped.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (stopped.signal.aborted) return;
        onError(error);
      }
      // Pages that lost the server together do not come back together.
      const pause = PAUSES[Math.min(attempts++, PAUSES.length - 1)] * (500 + Math.random() * 1_000);
      await new Promise((resume) => {
        const timer = setTimeout(resume, pause);
        for (const [target, name] of [[stopped.signal, "abort"], [window, "online"]]) {
          target.addEventListener(name, () => (clearTimeout(timer), resume()), { once: true });
        }
      });
    }
  }

  keepFollowing();
  return {
    seen,
    dismiss,
    clicked,
    registerDevice: (t, r) =>
      device("mutation($t: String!, $r: String) { registerDevice(token: $t, replaces: $r) { refusal { message } } }", { t, r }),
    removeDevice: (t) => device("mutation($t: String!) { removeDevice(token: $t) { refusal { message } } }", { t }),
    close() {
      stopped.abort();
      corner?.remove();
    },
  };
}

const STYLE = `
:host { all: initial; position: fixed; inset: auto 16px 16px auto; z-index: 2147483000; width: min(340px, calc(100vw - 32px));
  font: 15px/1.4 system-ui, sans-serif; color-scheme: light dark; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
li { background: Canvas; color: CanvasText; border: 1px solid GrayText; border-radius: 8px; padding: 12px 44px 12px 14px;
  position: relative; box-shadow: 0 4px 16px rgb(0 0 0 / .2); overflow-wrap: anywhere; white-space: pre-line; }
strong { display: block; }
button { all: unset; position: absolute; top: 6px; right: 6px; width: 32px; height: 32px; text-align: center; cursor: pointer;
  border-radius: 6px; font-size: 20px; line-height: 32px; }
button:focus-visible { outline: 2px solid Highlight; }
a { color: LinkText; }
.count { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }`;

/** How many messages stand in the corner at a time. */
const SHOWN = 3;

function makeCorner(labels = {}, { seen, dismiss, clicked }) {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const make = (name, properties = {}) => Object.assign(document.createElement(name), properties);
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  root.adoptedStyleSheets = [style];
  const region = make("section");
  region.setAttribute("aria-label", labels.region ?? "Messages");
  // Announced when the reader pauses: a message is never more urgent than what they are doing.
  const count = make("p", { className: "count", role: "status" });
  const list = make("ul");
  region.append(count, list);
  root.append(region);
  document.body.append(host);
  const items = new Map();
  const told = new Set();

  function item({ id, title, body }) {
    const li = make("li");
    if (title) li.append(make("strong", { textContent: title }));
    // Text stays text; only links become links.
    for (const [index, part] of body.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/).entries()) {
      if (index % 2 === 0) {
        li.append(part);
        continue;
      }
      const link = make("a", { href: part, textContent: part, rel: "noopener", target: "_blank" });
      link.addEventListener("click", () => clicked(id, part).catch(() => {}));
      li.append(link);
    }
    const close = make("button", { type: "button", textContent: "\u00d7" });
    close.setAttribute("aria-label", `${labels.close ?? "Close"}: ${title ?? body.slice(0, 60)}`);
    close.addEventListener("click", () => {
      li.hidden = true;
      const next = li.nextElementSibling ?? li.previousElementSibling;
      next?.querySelector("button").focus();
      dismiss([id]).catch(() => (li.hidden = false));
    });
    li.append(close);
    return li;
  }

  function update({ unread, messages }) {
    // What was shown here stays until it is closed; what was read elsewhere does not appear.
    const shown = messages.filter((message) => message.isUnread || items.has(message.id)).slice(0, SHOWN);
    const ids = new Set(shown.map((message) => message.id));
    for (const [id, li] of items) {
      if (!ids.has(id)) {
        li.remove();
        items.delete(id);
      }
    }
    for (const message of shown) {
      if (!items.has(message.id)) items.set(message.id, item(message));
    }
    shown.forEach((message, index) => {
      const li = items.get(message.id);
      if (list.children[index] !== li) list.insertBefore(li, list.children[index] ?? null);
    });
    const words = unread === 0 ? "" : (labels.unread ?? ((n) => `${n} unread message${n === 1 ? "" : "s"}`))(unread);
    if (count.textContent !== words) count.textContent = words;
    tell();
  }

  /** Says that messages were seen, once somebody looks at the page. */
  function tell() {
    if (document.visibilityState !== "visible") return;
    const ids = [...items.keys()].filter((id) => !told.has(id));
    if (ids.length === 0) return;
    ids.forEach((id) => told.add(id));
    seen(ids).catch(() => ids.forEach((id) => told.delete(id)));
  }
  document.addEventListener("visibilitychange", tell);

  return {
    update,
    remove() {
      document.removeEventListener("visibilitychange", tell);
      host.remove();
    },
  };
}
