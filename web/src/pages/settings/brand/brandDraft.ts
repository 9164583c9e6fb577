import type { Brand, BrandChanges, PageLanguage } from "./BrandQuery";

/** What the form holds: everything as it is typed. The logo is a `data:` URL. */
export interface BrandDraft {
  name: string;
  accent: string;
  banner: string;
  imprint: string;
  privacyUrl: string;
  language: PageLanguage;
  logo: string | null;
}

export type TopicRow = Brand["topics"][number];

/** The bytes of a logo at most. */
export const MOST_BYTES = 64 * 1024;
export const LOGO_TYPES = ["image/png", "image/jpeg", "image/webp"] as const;

export const draftOf = (brand: Brand): BrandDraft => ({
  name: brand.name ?? "",
  accent: brand.accent ?? "",
  banner: brand.banner ?? "",
  imprint: brand.imprint ?? "",
  privacyUrl: brand.privacyUrl ?? "",
  language: brand.language,
  logo: brand.logo?.url ?? null,
});

const TEXTS = ["name", "accent", "banner", "imprint", "privacyUrl"] as const;

/** What differs from the stored brand, as the API takes it: an emptied field is cleared. */
export function changesOf(stored: Brand, draft: BrandDraft, topics: readonly TopicRow[]): BrandChanges {
  const before = draftOf(stored);
  const changes: BrandChanges = {};
  for (const field of TEXTS) {
    if (draft[field].trim() !== before[field]) changes[field] = draft[field].trim() || null;
  }
  if (draft.language !== before.language) changes.language = draft.language;
  if (draft.logo !== before.logo) changes.logo = draft.logo ? bytesOf(draft.logo) : null;
  const rows = topics.map(({ topic, language, name }) => ({ topic, language, name }));
  const storedRows = stored.topics.map(({ topic, language, name }) => ({ topic, language, name }));
  if (JSON.stringify(rows) !== JSON.stringify(storedRows)) changes.topics = rows;
  return changes;
}

/** What a `data:` URL holds, in base64. */
const bytesOf = (url: string): string => url.slice(url.indexOf(",") + 1);

/** Why a file cannot be the logo. The server looks at the bytes themselves. */
export function logoProblem(file: { type: string; size: number }): "type" | "size" | undefined {
  if (!LOGO_TYPES.some((type) => type === file.type)) return "type";
  return file.size > MOST_BYTES ? "size" : undefined;
}
