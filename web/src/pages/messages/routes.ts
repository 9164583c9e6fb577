import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

export const messageRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/messages/$messageId",
  component: lazyRouteComponent(() => import("./MessagePage"), "MessagePage"),
});

export const messagesRoutes = [messageRoute];
