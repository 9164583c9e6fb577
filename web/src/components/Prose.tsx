import styles from "./Prose.module.css";

/** A sentence of the server: what stands in backquotes is code. */
export function Prose({ text }: { text: string }) {
  return text.split("`").map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence stay in their order
      <code key={index} className={styles.code}>
        {part}
      </code>
    ),
  );
}
