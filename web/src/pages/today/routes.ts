import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

const todayPage = lazyRouteComponent(() => import("./TodayPage"), "TodayPage");

const startRoute = createRoute({ getParentRoute: () => shellRoute, path: "/", component: todayPage });

const todayRoute = createRoute({ getParentRoute: () => shellRoute, path: "/today", component: todayPage });

/** The messages of all customers: the rows behind figures. */
const messagesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/messages",
  component: lazyRouteComponent(() => import("./messages/MessagesPage"), "MessagesPage"),
});

export const todayRoutes = [startRoute, todayRoute, messagesRoute] as const;
