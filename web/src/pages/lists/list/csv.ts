/** A line of a CSV file (RFC 4180). Programs for tables run what begins like a formula: such a text is led by an apostrophe. */
export function csvLine(values: readonly (string | null | undefined)[]): string {
  return `${values.map((value) => csvField(value ?? "")).join(",")}\r\n`;
}

function csvField(value: string): string {
  const isFormula = /^[=@\t\r]/.test(value) || (/^[+-]/.test(value) && !/^[+-][\d ()./-]*$/.test(value));
  const safe = isFormula ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Gives the browser a file to save. */
export function saveFile(name: string, text: string, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
