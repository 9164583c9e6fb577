import type { Channel } from "../components/Status";
import { t } from "../texts";
import styles from "./Segments.module.css";
import { useSegments } from "./useSegments";

export function Segments({ channel, text }: { channel: Channel; text: string }) {
  const segments = useSegments(channel, text);
  if (!segments) return null;
  return (
    <span className={styles.segments} title={segments.isUcs2 ? t("compose.ucs2") : undefined}>
      {t("compose.segments", { count: segments.count })}
      {segments.isUcs2 ? " · UCS-2" : ""}
    </span>
  );
}
