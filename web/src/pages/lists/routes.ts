import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

export const listsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/lists",
  component: lazyRouteComponent(() => import("./ListsPage"), "ListsPage"),
});

export const listsRoutes = [listsRoute];
