import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

export const listsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/lists",
  component: lazyRouteComponent(() => import("./ListsPage"), "ListsPage"),
});

export const newListRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/lists/new",
  component: lazyRouteComponent(() => import("./NewListPage"), "NewListPage"),
});

/** `listId` is the UUID of the global id. */
export const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/lists/$listId",
  component: lazyRouteComponent(() => import("./ListPage"), "ListPage"),
});

export const listsRoutes = [listsRoute, newListRoute, listRoute] as const;
