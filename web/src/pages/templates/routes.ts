import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

export const templatesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/templates",
  component: lazyRouteComponent(() => import("./TemplatesPage"), "TemplatesPage"),
});

export const templateRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/templates/$code",
  component: lazyRouteComponent(() => import("./TemplatePage"), "TemplatePage"),
});

export const templatesRoutes = [templatesRoute, templateRoute] as const;
