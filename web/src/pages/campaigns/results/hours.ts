interface Reported {
  hour: string;
  sent: number;
  delivered: number;
  opensHuman: number;
  clicksHuman: number;
}

export interface Hour extends Omit<Reported, "hour"> {
  at: Date;
}

const HOUR_MS = 3_600_000;
/** A figure of more hours than that would be mostly empty: it shows those with reports alone. */
const MOST_HOURS = 24 * 31;

/** The whole campaign by hour: variants and channels together, and the hours between without reports as zero. */
export function byHour(reported: readonly Reported[]): Hour[] {
  const hours = new Map<number, Hour>();
  for (const one of reported) {
    const at = Date.parse(one.hour);
    const hour = hours.get(at) ?? { at: new Date(at), sent: 0, delivered: 0, opensHuman: 0, clicksHuman: 0 };
    hour.sent += one.sent;
    hour.delivered += one.delivered;
    hour.opensHuman += one.opensHuman;
    hour.clicksHuman += one.clicksHuman;
    hours.set(at, hour);
  }
  const moments = [...hours.keys()].toSorted((a, b) => a - b);
  const [first, last] = [moments[0], moments.at(-1)];
  if (first !== undefined && last !== undefined && (last - first) / HOUR_MS < MOST_HOURS) {
    for (let at = first; at < last; at += HOUR_MS) {
      if (!hours.has(at)) hours.set(at, { at: new Date(at), sent: 0, delivered: 0, opensHuman: 0, clicksHuman: 0 });
    }
  }
  return [...hours.values()].toSorted((a, b) => a.at.getTime() - b.at.getTime());
}
