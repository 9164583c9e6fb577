import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

const settingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings",
  beforeLoad: () => {
    throw redirect({ to: "/settings/accounts", replace: true });
  },
});

const accountsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/accounts",
  component: lazyRouteComponent(() => import("./accounts/AccountsPage"), "AccountsPage"),
});

const newAccountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/new-account",
  component: lazyRouteComponent(() => import("./accounts/NewAccountPage"), "NewAccountPage"),
});

export const accountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/accounts/$provider/$name",
  component: lazyRouteComponent(() => import("./accounts/AccountPage"), "AccountPage"),
});

const keysRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/keys",
  component: lazyRouteComponent(() => import("./keys/KeysPage"), "KeysPage"),
});

const policyRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/policy",
  component: lazyRouteComponent(() => import("./policy/PolicyPage"), "PolicyPage"),
});

const trackingRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/tracking",
  component: lazyRouteComponent(() => import("./tracking/TrackingPage"), "TrackingPage"),
});

const brandRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/brand",
  component: lazyRouteComponent(() => import("./brand/BrandPage"), "BrandPage"),
});

const repliesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/replies",
  component: lazyRouteComponent(() => import("./replies/RepliesPage"), "RepliesPage"),
});

const systemRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings/system",
  component: lazyRouteComponent(() => import("./system/SystemPage"), "SystemPage"),
});

export const settingsRoutes = [
  settingsRoute,
  accountsRoute,
  newAccountRoute,
  accountRoute,
  keysRoute,
  policyRoute,
  trackingRoute,
  brandRoute,
  repliesRoute,
  systemRoute,
] as const;
