import { type ReactNode, useEffect, useRef, useState } from "react";
import type { ResultOf } from "../../../api/graphql";
import { MailFrame } from "../../../components/mail/MailFrame";
import type { Channel } from "../../../components/Status";
import { t } from "../../../texts";
import { bytes } from "../../../texts/format";
import type { PreviewQuery } from "../TemplateQuery";
import styles from "./Preview.module.css";

type Rendered = NonNullable<ResultOf<typeof PreviewQuery>["previewTemplate"]["preview"]>;

interface ShownProps {
  preview: Rendered;
  channel: Channel;
  width: "desktop" | "phone";
  look: "page" | "plain";
}

const PHONE = 375;
/** Of the frame, on both sides. */
const BORDERS = 4;
const DESKTOP = 680;
/** Gmail cuts a longer mail off. */
const GMAIL_BYTES = 102_000;

/** A rendered text as its reader gets it. */
export function Shown({ preview, channel, width, look }: ShownProps) {
  switch (channel) {
    case "EMAIL":
      return <Mail preview={preview} width={width} look={look} />;
    case "SMS":
      return (
        <>
          <p className={styles.bubble} dir="auto">
            {preview.body}
          </p>
          <Segments preview={preview} />
        </>
      );
    case "VOICE":
      return (
        <ol className={styles.steps}>
          {preview.steps.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: steps have no other identity than their place
            <li key={index} dir="auto" className={step.say === null ? styles.pause : undefined}>
              {step.say ?? t("templates.pauses", { seconds: step.pauseSeconds ?? 0 })}
            </li>
          ))}
        </ol>
      );
    case "WHATSAPP":
      return (
        <>
          <p className={styles.bubble} dir="auto">
            {preview.body}
          </p>
          {preview.variables.map((value, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: placeholders are known by their place
            <p key={index} className={styles.note}>
              <code>{`{{${index + 1}}}`}</code> = <bdi>{value}</bdi>
            </p>
          ))}
        </>
      );
    default:
      return (
        <div className={styles.card} dir="auto">
          <p className={styles.subject}>{preview.subject}</p>
          <p>{preview.body}</p>
          {preview.link ? <p className={styles.note}>{preview.link}</p> : null}
        </div>
      );
  }
}

function Mail({ preview, width, look }: Omit<ShownProps, "channel">) {
  const size = preview.htmlBytes;
  return (
    <>
      <div className={styles.head}>
        <p className={styles.subject} dir="auto">
          {preview.subject}
        </p>
        {size === null ? null : (
          <p className={size > GMAIL_BYTES ? styles.warn : styles.note}>
            {t(size > GMAIL_BYTES ? "templates.tooLong" : "templates.size", { size: bytes(size) })}
          </p>
        )}
      </div>
      {look === "plain" || preview.html === null ? (
        <pre className={styles.plain} dir="auto">
          {preview.body}
        </pre>
      ) : (
        <Fitted key={width} width={width === "phone" ? PHONE : DESKTOP}>
          <MailFrame
            html={preview.html}
            title={t("templates.part.preview")}
            width={width === "phone" ? PHONE : DESKTOP}
          />
        </Fitted>
      )}
    </>
  );
}

/** Makes what is wider than the pane smaller, so that the whole width is seen; the mail still lays itself out for its width. */
function Fitted({ width, children }: { width: number; children: ReactNode }) {
  const pane = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(1);
  useEffect(() => {
    if (!pane.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setZoom(Math.min(1, entry.contentRect.width / (width + BORDERS)));
    });
    observer.observe(pane.current);
    return () => observer.disconnect();
  }, [width]);
  return (
    <div ref={pane} className={styles.pane}>
      <div style={{ zoom }}>{children}</div>
    </div>
  );
}

function Segments({ preview }: { preview: Rendered }) {
  if (preview.segments === null) return null;
  return (
    <p className={styles.note} role="status">
      {t("templates.segments", { count: preview.segments })} · {[...preview.body].length}{" "}
      {t(preview.ucs2 ? "templates.ucs2" : "templates.gsm7")}
    </p>
  );
}
