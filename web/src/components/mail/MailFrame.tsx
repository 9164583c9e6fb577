import { useEffect, useMemo, useRef, useState } from "react";
import { t } from "../../texts";
import { cleaned } from "./cleaned";
import styles from "./MailFrame.module.css";

interface MailFrameProps {
  /** The mail's HTML, from whoever wrote it. */
  html: string;
  /** What it is, for screen readers. */
  title: string;
  /** Of the page that it is shown on, such as 375 for a phone; by default all that there is. */
  width?: number;
}

const EMPTY = "<!doctype html><meta charset=utf-8><title>mail</title>";

/**
 * A mail as its reader sees it, without script and without network. The frame runs nothing; it shares the page's origin
 * because the pages' policy forbids styles in markup, so that they are set from here.
 */
export function MailFrame({ html, title, width }: MailFrameProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [isReady, setIsReady] = useState(false);
  const [height, setHeight] = useState(120);
  const mail = useMemo(() => cleaned(html), [html]);

  useEffect(() => {
    const inner = frame.current?.contentDocument;
    const view = frame.current?.contentWindow;
    if (!isReady || !inner || !view) return;
    show(inner, view as Window & typeof globalThis, mail);
    const measure = () => setHeight(inner.documentElement.offsetHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(inner.documentElement);
    return () => observer.disconnect();
  }, [isReady, mail]);

  return (
    <div className={styles.mail}>
      <iframe
        ref={frame}
        className={styles.frame}
        title={title}
        sandbox="allow-same-origin"
        srcDoc={EMPTY}
        style={{ width: width ?? "100%", height }}
        onLoad={() => setIsReady(true)}
      />
      {mail.picturesLeftOut > 0 ? (
        <p className={styles.note}>{t("mail.picturesLeftOut", { count: mail.picturesLeftOut })}</p>
      ) : null}
    </div>
  );
}

const BASE = `
  html { overflow: auto hidden; background: #fff; color: #191b1f; color-scheme: light; }
  body { margin: 0; padding: 16px; font: 14px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
  img { max-width: 100%; }
  img:not([src]) { display: inline-block; min-height: 1.5em; padding: 4px 8px; border: 1px dashed #b9bec6; color: #555b65; }
  [data-link] { color: #3453d1; text-decoration: underline; }
`;

function show(inner: Document, view: Window & typeof globalThis, { html, css }: ReturnType<typeof cleaned>) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  inner.replaceChild(inner.importNode(parsed.documentElement, true), inner.documentElement);
  inner.adoptedStyleSheets = [BASE, css].map((text) => {
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  for (const element of inner.querySelectorAll<HTMLElement>("[data-style]")) {
    element.style.cssText = element.dataset.style ?? "";
    delete element.dataset.style;
  }
}
