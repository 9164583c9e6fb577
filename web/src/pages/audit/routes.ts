import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

const eventsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/audit",
  component: lazyRouteComponent(() => import("./EventsPage"), "EventsPage"),
});

/** `eventId` is the UUID of the global id. */
export const eventRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/audit/events/$eventId",
  component: lazyRouteComponent(() => import("./event/EventPage"), "EventPage"),
});

const readsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/audit/reads",
  component: lazyRouteComponent(() => import("./ReadsPage"), "ReadsPage"),
});

const integrityRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/audit/integrity",
  component: lazyRouteComponent(() => import("./IntegrityPage"), "IntegrityPage"),
});

export const auditRoutes = [eventsRoute, eventRoute, readsRoute, integrityRoute] as const;
