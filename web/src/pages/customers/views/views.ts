import type { SearchParams } from "../../../url/urlState";

export interface SavedView {
  name: string;
  params: SearchParams;
}

const keyOf = (tenantId: string): string => `commlog.views.customers.${tenantId}`;

/** The views that this browser keeps for a tenant; none if they cannot be read. */
export function readViews(tenantId: string, storage: Pick<Storage, "getItem"> = window.localStorage): SavedView[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(keyOf(tenantId)) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isView) : [];
  } catch {
    return [];
  }
}

export function writeViews(
  tenantId: string,
  views: readonly SavedView[],
  storage: Pick<Storage, "setItem"> = window.localStorage,
) {
  storage.setItem(keyOf(tenantId), JSON.stringify(views));
}

/** `views` with one more, which takes the place of one of the same name. */
export const withView = (views: readonly SavedView[], view: SavedView): SavedView[] =>
  [...views.filter(({ name }) => name !== view.name), view].toSorted((a, b) => a.name.localeCompare(b.name));

function isView(value: unknown): value is SavedView {
  if (typeof value !== "object" || value === null || !("name" in value) || !("params" in value)) return false;
  const { name, params } = value;
  if (typeof name !== "string" || typeof params !== "object" || params === null) return false;
  return Object.values(params).every((one) => typeof one === "string");
}
