// Months as people look at them. Days are written as the API's dates: 2026-05-31.

/** `2026-05`, and so many months later. */
export function monthAfter(month: string, count: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const at = new Date(Date.UTC(year, number - 1 + count, 1));
  return at.toISOString().slice(0, 7);
}

export const monthOf = (at: Date): string => `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}`;

/** The days of a month, and how many cells of its first week stay empty when weeks begin on Monday. */
export function daysOf(month: string): { days: string[]; empty: number } {
  const first = new Date(`${month}-01T00:00:00Z`);
  const next = new Date(`${monthAfter(month, 1)}-01T00:00:00Z`);
  const count = Math.round((next.getTime() - first.getTime()) / 86_400_000);
  const days = Array.from({ length: count }, (_, index) => `${month}-${String(index + 1).padStart(2, "0")}`);
  return { days, empty: (first.getUTCDay() + 6) % 7 };
}

export const isMonth = (text: string | undefined): text is string => /^\d{4}-(0[1-9]|1[0-2])$/.test(text ?? "");
