// Starts GraphiQL against this server. The API key comes from the URL's fragment (#key=clk_…), which browsers never
// send to a server, from the field that the page shows without one, or from the headers editor, which wins. It is kept for
// this tab only.
(() => {
  "use strict";

  const STORED = "commlog.key";

  function keyFromFragment() {
    const fragment = new URLSearchParams(window.location.hash.slice(1));
    const key = fragment.get("key");
    if (key) {
      window.sessionStorage.setItem(STORED, key);
      // The key must not stay in the address bar or in a copied link.
      window.history.replaceState(null, "", window.location.pathname + window.location.search);
    }
    return window.sessionStorage.getItem(STORED);
  }

  const key = keyFromFragment();
  const notice = document.getElementById("notice");
  if (!key) askForKey();

  // The console starts once there is a key: without one, every request would be refused.
  function askForKey() {
    const field = document.getElementById("key");
    const shown = document.getElementById("problem");
    notice.hidden = false;
    document.getElementById("graphiql").textContent = "";
    field.focus();
    // No form: the page's policy lets none be sent.
    notice.querySelector("button").addEventListener("click", use);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") use();
    });

    async function use() {
      const given = field.value.trim();
      if (!given) return field.focus();
      const problem = await problemWith(given);
      if (problem) {
        shown.textContent = problem;
        return field.select();
      }
      window.sessionStorage.setItem(STORED, given);
      window.location.reload();
    }
  }

  // Why a key cannot be used, if it cannot.
  async function problemWith(given) {
    try {
      const answer = await window.fetch("/graphql", {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${given}` },
        body: JSON.stringify({ query: "{ __typename }" }),
      });
      if (answer.status === 401) return "This key is not known here, or was revoked.";
      return answer.ok ? "" : `The server responds with ${answer.status}: try again.`;
    } catch {
      return "The server does not respond: try again.";
    }
  }

  function withKey(headers) {
    const given = Object.keys(headers || {}).some((name) => name.toLowerCase() === "authorization");
    return given || !key ? { ...headers } : { ...headers, Authorization: `Bearer ${key}` };
  }

  const fetch = window.GraphiQL.createFetcher({
    url: "/graphql",
    subscriptionUrl: `${window.location.protocol === "https:" ? "wss:" : "ws:"}//${window.location.host}/graphql`,
  });

  const fetcher = (parameters, options) => fetch(parameters, { ...options, headers: withKey(options?.headers) });

  // What the ready-made queries begin with: ids that exist, so that each runs as it is.
  async function examples() {
    const now = new Date(Date.now() - 5_000);
    const found = { "…": `${now.toISOString().slice(0, 19)}Z` };
    const query = `{ customers(first: 40) { nodes { id timeline(first: 20) { nodes {
      campaignId message { messageId state } } } } } }`;
    try {
      const answer = await window.fetch("/graphql", {
        method: "POST",
        headers: withKey({ "Content-Type": "application/json", Accept: "application/graphql-response+json" }),
        body: JSON.stringify({ query }),
      });
      const customers = (await answer.json()).data?.customers?.nodes ?? [];
      const messages = (customer) => customer.timeline.nodes.filter((entry) => entry.message).length;
      // The customer with most messages has most to show.
      const [best] = customers.toSorted((one, other) => messages(other) - messages(one));
      const entries = customers.flatMap((customer) => customer.timeline.nodes);
      found["Customer:…"] = best?.id;
      found["Message:…"] = (best?.timeline.nodes ?? []).find((entry) => entry.message)?.message.messageId;
      found["Campaign:…"] = entries.find((entry) => entry.campaignId)?.campaignId;
    } catch (error) {
      // The page works without examples; the placeholders say what is wanted.
      console.warn("no examples for the ready-made queries", error);
    }
    return found;
  }

  const filled = (value, found) => {
    if (typeof value === "string") return found[value] ?? value;
    if (Array.isArray(value)) return value.map((item) => filled(item, found));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, found)]));
  };

  // ?tab=timeline&run shows and runs one of the ready-made queries: what links in documents point at.
  const address = new URLSearchParams(window.location.search);
  const chosen = window.commlogQueries.filter((tab) => tab.name === address.get("tab"));
  const tabs = chosen.length > 0 ? chosen : window.commlogQueries;

  // The editors are loaded after the button is shown, and until then it does nothing.
  function runOnceShown(tries = 100) {
    const button = document.querySelector(".graphiql-execute-button");
    // A second click would stop what runs.
    const isRunning = button?.getAttribute("aria-label")?.startsWith("Stop");
    const result = document.querySelector(".result-window .CodeMirror-code")?.textContent ?? "";
    if (isRunning || result.includes("{") || tries === 0) return;
    if (document.querySelector(".graphiql-query-editor .cm-keyword")) button?.click();
    window.setTimeout(() => runOnceShown(tries - 1), 100);
  }

  if (key) examples().then((found) => {
    const variables = tabs.map((tab) =>
      tab.variables ? JSON.stringify(filled(tab.variables, found), null, 2) : undefined,
    );
    const root = window.ReactDOM.createRoot(document.getElementById("graphiql"));
    root.render(
      window.React.createElement(window.GraphiQL, {
        fetcher,
        defaultTabs: tabs.map(({ query }, index) => ({ query, variables: variables[index] })),
        // GraphiQL takes the first tab's variables from here, those of the others from their tabs.
        variables: variables[0],
        defaultEditorToolsVisibility: "variables",
        isHeadersEditorEnabled: true,
        shouldPersistHeaders: false,
        // A bookmarked tab must not be overruled by what this browser kept from an earlier visit.
        storage:
          chosen.length > 0 ? { length: 0, getItem: () => null, setItem() {}, removeItem() {}, clear() {} } : undefined,
      }),
    );
    if (chosen.length > 0 && address.has("run")) runOnceShown();
  });
})();
