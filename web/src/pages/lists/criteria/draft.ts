import { fromJson, type Group } from "./tree";

/** Criteria of the URL that are not saved yet; what is none is left out. */
export function draftOf(json: string | undefined): Group | undefined {
  if (!json) return undefined;
  try {
    return fromJson(JSON.parse(json));
  } catch {
    return undefined;
  }
}
