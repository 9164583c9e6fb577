import { percent } from "../../../texts/format";
import styles from "./IntervalPlot.module.css";

export interface Estimate {
  id: string;
  name: string;
  value: number;
  low: number;
  high: number;
}

interface IntervalPlotProps {
  label: string;
  estimates: readonly Estimate[];
  /** Differences lie on both sides of zero, shares above it. */
  isDifference?: boolean;
}

/** Estimates as points with their intervals at 95 %, on one scale. */
export function IntervalPlot({ label, estimates, isDifference = false }: IntervalPlotProps) {
  const { low, high } = scaleOf(estimates, isDifference);
  const place = (value: number): string => `${((value - low) / (high - low)) * 100}%`;
  const ticks = [low, (low + high) / 2, high];
  return (
    <section className={styles.plot} aria-label={label}>
      <ul>
        {estimates.map((one) => (
          <li key={one.id} className={styles.row}>
            <bdi className={styles.name} title={one.name}>
              {one.name}
            </bdi>
            <div className={styles.track} aria-hidden="true">
              {isDifference ? <span className={styles.zero} style={{ left: place(0) }} /> : null}
              <span
                className={styles.interval}
                style={{ left: place(one.low), right: `calc(100% - ${place(one.high)})` }}
              />
              <span className={styles.point} style={{ left: place(one.value) }} />
            </div>
            <span className={styles.words}>
              <strong>{percent(one.value)}</strong> ({percent(one.low)} – {percent(one.high)})
            </span>
          </li>
        ))}
      </ul>
      <div className={styles.axis} aria-hidden="true">
        <span />
        <div className={styles.ticks}>
          {ticks.map((tick) => (
            <span key={tick}>{percent(tick)}</span>
          ))}
        </div>
        <span />
      </div>
    </section>
  );
}

/** A little wider than the widest interval; shares begin at zero. */
export function scaleOf(estimates: readonly Estimate[], isDifference: boolean): { low: number; high: number } {
  const lowest = Math.min(0, ...estimates.map((one) => one.low));
  const highest = Math.max(0, ...estimates.map((one) => one.high));
  const margin = (highest - lowest) * 0.08 || 0.01;
  return { low: isDifference ? lowest - margin : 0, high: highest + margin };
}
