import type { DraftVariant } from "./draft";

/** One more variant, and all shares made equal. The first time there are two. */
export function addedVariant(variants: readonly DraftVariant[], template: string): DraftVariant[] {
  const count = variants.length === 0 ? 2 : variants.length + 1;
  const names = "abcdefgh";
  const added = Array.from({ length: count - variants.length }, (_, index) => ({
    name: names[variants.length + index] ?? "",
    share: "",
    template,
    version: null,
  }));
  return withEqualShares([...variants, ...added]);
}

/** Hundredths of a percent, of which the first variants get what is left over: together exactly 100 %. */
function withEqualShares(variants: readonly DraftVariant[]): DraftVariant[] {
  const each = Math.floor(10_000 / variants.length);
  const rest = 10_000 - each * variants.length;
  return variants.map((one, index) => ({ ...one, share: String((each + (index < rest ? 1 : 0)) / 100) }));
}
