export const SNOOZES = ["hours", "tomorrow", "monday"] as const;
export type Snooze = (typeof SNOOZES)[number];

const MORNING = 9;

/** When a snoozed conversation comes back, by the person's clock. */
export function snoozedUntil(snooze: Snooze, now: Date): Date {
  if (snooze === "hours") return new Date(now.getTime() + 3 * 3_600_000);
  const days = snooze === "tomorrow" ? 1 : (8 - now.getDay()) % 7 || 7;
  const until = new Date(now);
  until.setDate(until.getDate() + days);
  until.setHours(MORNING, 0, 0, 0);
  return until;
}

/** How long WhatsApp lets us write freely after the customer wrote. */
const WINDOW_MS = 24 * 3_600_000;

/** When WhatsApp's window closes, or closed; undefined if the customer never wrote. */
export const windowClosesAt = (lastInboundAt: string | null): Date | undefined =>
  lastInboundAt ? new Date(Date.parse(lastInboundAt) + WINDOW_MS) : undefined;
