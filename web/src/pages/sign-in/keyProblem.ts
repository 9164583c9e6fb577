import { credentials } from "../../session/session";
import type { TextKey } from "../../texts";

/** Why the server does not take a key, if so. */
export async function keyProblem(key: string): Promise<TextKey | undefined> {
  // Headers take no other signs, and no key has them.
  if (!/^[\x21-\x7e]+$/.test(key)) return "session.keyUnknown";
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...credentials({ kind: "key", key }) },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    if (response.status === 401) return "session.keyUnknown";
    return response.ok ? undefined : "problem.server";
  } catch {
    return "problem.offline";
  }
}
