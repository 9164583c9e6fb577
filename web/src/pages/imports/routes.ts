import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

const importsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/imports",
  component: lazyRouteComponent(() => import("./ImportsPage"), "ImportsPage"),
});

const newImportRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/imports/new",
  component: lazyRouteComponent(() => import("./NewImportPage"), "NewImportPage"),
});

const exportsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/imports/exports",
  component: lazyRouteComponent(() => import("./exports/ExportsPage"), "ExportsPage"),
});

/** `importId` is the UUID of the global id. */
export const importRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/imports/$importId",
  component: lazyRouteComponent(() => import("./ImportPage"), "ImportPage"),
});

export const importsRoutes = [importsRoute, newImportRoute, exportsRoute, importRoute] as const;
