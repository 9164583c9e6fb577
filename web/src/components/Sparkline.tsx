import styles from "./Sparkline.module.css";

const WIDTH = 96;
const HEIGHT = 20;

/** A small line in a row of a table: the shape of a figure over time. Its numbers stand elsewhere. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (index: number) => (index / Math.max(1, values.length - 1)) * WIDTH;
  // What does not change lies in the middle.
  const y = (value: number) => (high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4));
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return (
    <svg
      className={styles.line}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <title>{label}</title>
      <polyline points={points} />
    </svg>
  );
}
