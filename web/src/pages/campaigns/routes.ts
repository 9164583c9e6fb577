import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "../../shell/routes";

export const campaignsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/campaigns",
  component: lazyRouteComponent(() => import("./overview/CampaignsPage"), "CampaignsPage"),
});

export const newCampaignRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/campaigns/new",
  component: lazyRouteComponent(() => import("./plan/NewCampaignPage"), "NewCampaignPage"),
});

export const backTestRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/campaigns/back-test",
  component: lazyRouteComponent(() => import("./backTest/BackTestPage"), "BackTestPage"),
});

/** `campaignId` is the UUID of the global id. */
export const campaignRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/campaigns/$campaignId",
  component: lazyRouteComponent(() => import("./CampaignPage"), "CampaignPage"),
});

export const planRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/campaigns/$campaignId/plan",
  component: lazyRouteComponent(() => import("./plan/PlanPage"), "PlanPage"),
});

export const dryRunRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/campaigns/$campaignId/dry-run",
  component: lazyRouteComponent(() => import("./dryRun/DryRunPage"), "DryRunPage"),
});

export const campaignsRoutes = [
  campaignsRoute,
  newCampaignRoute,
  backTestRoute,
  campaignRoute,
  planRoute,
  dryRunRoute,
] as const;
