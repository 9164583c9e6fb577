const UUID = /^(?:Customer:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i;

/** What names a customer in each line: the first column, without quotes, each once. A heading is left out. */
export function namesIn(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const first = lines.map((line) => {
    const quoted = /^\s*"((?:[^"]|"")*)"/.exec(line)?.[1]?.replaceAll('""', '"');
    return (quoted ?? line.split(/[,;\t]/, 1)[0] ?? "").trim();
  });
  return [...new Set(first.filter((name) => name !== "" && !HEADINGS.has(name.toLowerCase())))];
}

const HEADINGS = new Set([
  "id",
  "customer",
  "customer_id",
  "customerid",
  "email",
  "external_id",
  "externalid",
  "phone",
]);

/** The id that a line holds, if it is one. */
export const idIn = (name: string): string | undefined => UUID.exec(name)?.[1]?.toLowerCase();

interface Found {
  id: string;
  externalId: string | null;
  addresses: { address: string | null }[];
}

/** The customer whom a line names by external id or address; a search finds beginnings too, which are not meant. */
export function meant(name: string, found: readonly Found[]): string | "unknown" | "ambiguous" {
  const wanted = name.toLowerCase();
  const exact = found.filter(
    (one) =>
      one.externalId?.toLowerCase() === wanted ||
      one.addresses.some(({ address }) => address?.toLowerCase() === wanted),
  );
  const [only] = exact;
  if (!only) return "unknown";
  return exact.length === 1 ? only.id : "ambiguous";
}
