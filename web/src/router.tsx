import { createRouter } from "@tanstack/react-router";
import { auditRoutes } from "./pages/audit/routes";
import { campaignsRoutes } from "./pages/campaigns/routes";
import { customersRoutes } from "./pages/customers/routes";
import { importsRoutes } from "./pages/imports/routes";
import { inboxRoutes } from "./pages/inbox/routes";
import { listsRoutes } from "./pages/lists/routes";
import { messagesRoutes } from "./pages/messages/routes";
import { notificationsRoutes } from "./pages/notifications/routes";
import { settingsRoutes } from "./pages/settings/routes";
import { signInRoute } from "./pages/sign-in/routes";
import { templatesRoutes } from "./pages/templates/routes";
import { todayRoutes } from "./pages/today/routes";
import { ErrorPage } from "./shell/ErrorPage";
import { PageSkeleton } from "./shell/PageSkeleton";
import { rootRoute, shellRoute, unknownRoute } from "./shell/routes";
import { parseSearch, stringifySearch } from "./url/urlState";

const routes = rootRoute.addChildren([
  signInRoute,
  shellRoute.addChildren([
    ...todayRoutes,
    ...inboxRoutes,
    ...customersRoutes,
    ...messagesRoutes,
    ...listsRoutes,
    ...templatesRoutes,
    ...campaignsRoutes,
    ...notificationsRoutes,
    ...importsRoutes,
    ...auditRoutes,
    ...settingsRoutes,
    unknownRoute,
  ]),
]);

export const router = createRouter({
  routeTree: routes,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPendingComponent: PageSkeleton,
  defaultErrorComponent: ErrorPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
