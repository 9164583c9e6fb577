import { optional, optionalOneOf, urlState } from "../../url/urlState";

/** What the server says in the address when signing in at the issuer did not work. */
export const PROBLEMS = ["refused", "expired", "not_proved", "no_role", "unreachable", "unavailable"] as const;

export const signInUrl = urlState({ next: optional(), problem: optionalOneOf(PROBLEMS) });

/** Only an address of the console: a link that somebody sent must not lead elsewhere. */
export const safeAddress = (next: string | undefined): string => (next && /^\/(?![/\\])/.test(next) ? next : "/");
