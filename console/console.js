// Starts GraphiQL against this server. The API key comes from the URL's fragment (#key=clk_…), which browsers never
// send to a server, or from the headers editor, which wins. It is kept for this tab only.
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
  if (!key) {
    notice.hidden = false;
    notice.textContent =
      'No API key yet: open this page as /#key=clk_… or add { "Authorization": "Bearer clk_…" } in the Headers editor.';
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

  // ?tab=timeline&run shows and runs one of the ready-made queries: what links in documents point at.
  const wanted = new URLSearchParams(window.location.search).get("tab");
  const chosen = window.commlogQueries.filter((tab) => tab.name === wanted);
  const tabs = chosen.length > 0 ? chosen : window.commlogQueries;

  const root = window.ReactDOM.createRoot(document.getElementById("console"));
  root.render(
    window.React.createElement(window.GraphiQL, {
      fetcher,
      defaultTabs: tabs.map(({ query, variables }) => ({
        query,
        variables: variables ? JSON.stringify(variables, null, 2) : undefined,
      })),
      // GraphiQL takes the first tab's variables from here, those of the others from their tabs.
      variables: tabs[0].variables ? JSON.stringify(tabs[0].variables, null, 2) : undefined,
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      // A bookmarked tab must not be overruled by what this browser kept from an earlier visit.
      storage: chosen.length > 0 ? { length: 0, getItem: () => null, setItem() {}, removeItem() {}, clear() {} } : undefined,
    }),
  );
})();
