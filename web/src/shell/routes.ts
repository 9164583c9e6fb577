import { createRootRoute, createRoute, redirect } from "@tanstack/react-router";
import { session } from "../session/session";
import type { SearchParams } from "../url/urlState";
import { ErrorPage, NotFoundPage } from "./ErrorPage";
import { Shell } from "./Shell";

export const rootRoute = createRootRoute({
  // Pages read their part with `useUrlState`, which takes defaults for what is missing or wrong.
  validateSearch: (raw): SearchParams => raw as SearchParams,
  errorComponent: ErrorPage,
});

/** The parent of each page for those who are signed in. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "shell",
  component: Shell,
  beforeLoad: ({ location }) => {
    if (session.current()) return;
    throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { next: location.href } });
  },
});

/** Addresses that no page has: said inside the frame, so that one can go on. */
export const unknownRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "$",
  component: NotFoundPage,
});
