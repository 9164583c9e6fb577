/** Whether somebody typed a name: as one can type it, without marks of direction, odd spaces and composed letters. */
export const isTyped = (typed: string, name: string): boolean => plain(typed) === plain(name) && plain(name) !== "";

const plain = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/\s+/g, " ")
    .trim();
