/** Millionths of a decimal text, without the rounding of binary numbers: "0.0075" is "7500". Digits beyond are cut off. */
export function microsOf(decimal: string): string {
  const [whole = "", part = ""] = decimal.trim().split(".");
  const digits = (whole || "0") + part.slice(0, 6).padEnd(6, "0");
  return digits.replace(/^0+(?=\d)/, "");
}
