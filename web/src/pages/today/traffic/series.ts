import { CHANNELS, type Channel } from "../../../components/Status";
import type { TrafficPoint } from "./TrafficQuery";
import { MEASURES, type Measure } from "./trafficUrl";

export interface ChannelSeries {
  channel: Channel;
  values: number[];
}

/** One measure over time for each channel on which something happened, with zero where nothing did. */
export function seriesOf(points: readonly TrafficPoint[], measure: Measure, moments: readonly Date[]): ChannelSeries[] {
  const places = new Map(moments.map((moment, index) => [moment.getTime(), index]));
  return CHANNELS.filter((channel) => points.some((point) => point.channel === channel)).map((channel) => {
    const values = moments.map(() => 0);
    for (const point of points) {
      const index = places.get(new Date(point.from).getTime());
      if (point.channel === channel && index !== undefined) values[index] = point[measure];
    }
    return { channel, values };
  });
}

export type Totals = Record<Measure, number>;

/** Everything that was counted on a channel, or on all of them. */
export function totalsOf(points: readonly TrafficPoint[], channel?: Channel): Totals {
  const counted = channel ? points.filter((point) => point.channel === channel) : points;
  const sum = (measure: Measure) => counted.reduce((total, point) => total + point[measure], 0);
  return Object.fromEntries(MEASURES.map((measure) => [measure, sum(measure)])) as Totals;
}
