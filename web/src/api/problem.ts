import type { CombinedError } from "urql";
import { t } from "../texts";

/** What went wrong, in words for people; `id` is what the server's diagnostics have it under. */
export interface Problem {
  message: string;
  id?: string;
}

/** Says what an unexpected error means for the person. Refusals are not errors: they come as data. */
export function problemOf(error: CombinedError): Problem {
  if (error.networkError) return { message: t("problem.offline") };
  const [first] = error.graphQLErrors;
  const id = first?.extensions.id;
  switch (first?.extensions.code) {
    case "INTERNAL":
      return { message: t("problem.server"), id: typeof id === "string" ? id : undefined };
    case "FORBIDDEN":
      return { message: t("problem.forbidden") };
    default:
      return { message: first?.message ?? t("problem.server") };
  }
}

export const isSignedOut = (error: CombinedError): boolean =>
  error.response?.status === 401 || error.graphQLErrors.some((one) => one.extensions.code === "UNAUTHENTICATED");
