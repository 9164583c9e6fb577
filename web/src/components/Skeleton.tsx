import styles from "./Skeleton.module.css";

/** Lines in the place of a text that is being read, as high as the text, so that nothing moves when it comes. */
export function Skeleton({ lines = 1, width = "100%" }: { lines?: number; width?: string }) {
  return (
    <span className={styles.skeleton} style={{ width }} aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are all alike
        <span key={line} className={styles.line} />
      ))}
    </span>
  );
}
