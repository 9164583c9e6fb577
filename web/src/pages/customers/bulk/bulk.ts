import type { Patch } from "../actions/profile";

export const BULK_FIELDS = ["addTag", "removeTag", "owner", "territory"] as const;
export type BulkField = (typeof BULK_FIELDS)[number];

/** A change of several customers, as far as it is done. The tab keeps it, so that a reload does not lose it. */
export interface BulkJob {
  field: BulkField;
  value: string;
  ids: string[];
  /** How many of `ids` are done, refused ones among them. */
  done: number;
  refused: number;
  reason?: string;
  /** Begins each customer's idempotency key: what was done before a reload is not done twice. */
  key: string;
}

export function patchFor({ field, value }: Pick<BulkJob, "field" | "value">): Patch {
  switch (field) {
    case "addTag":
      return { addTags: [value] };
    case "removeTag":
      return { removeTags: [value] };
    default:
      return { [field]: value || null };
  }
}

const STORED = "commlog.bulk.customers";

export function keepJob(job: BulkJob | undefined, storage: Pick<Storage, "setItem" | "removeItem">) {
  if (job) storage.setItem(STORED, JSON.stringify(job));
  else storage.removeItem(STORED);
}

export function keptJob(storage: Pick<Storage, "getItem">): BulkJob | undefined {
  try {
    const job: unknown = JSON.parse(storage.getItem(STORED) ?? "null");
    return isJob(job) ? job : undefined;
  } catch {
    return undefined;
  }
}

function isJob(value: unknown): value is BulkJob {
  if (typeof value !== "object" || value === null) return false;
  const job = value as Partial<Record<keyof BulkJob, unknown>>;
  return (
    BULK_FIELDS.some((field) => field === job.field) &&
    typeof job.value === "string" &&
    typeof job.key === "string" &&
    typeof job.done === "number" &&
    typeof job.refused === "number" &&
    Array.isArray(job.ids) &&
    job.ids.every((id) => typeof id === "string")
  );
}
