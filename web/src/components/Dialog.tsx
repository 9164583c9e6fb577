import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { t } from "../texts";
import { IconButton } from "./Button";
import styles from "./Dialog.module.css";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** The buttons at the bottom. */
  actions?: ReactNode;
  wide?: boolean;
  /** Without a visible heading, at the top: for a field that is the whole dialog. */
  bare?: boolean;
}

/** A modal dialog: the browser's own, which keeps the focus inside, makes the page inert and closes on Escape. */
export function Dialog({ title, onClose, children, actions, wide = false, bare = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // The browser would begin with the button that closes.
    const first = body.current?.querySelector<HTMLElement>("input, select, textarea");
    (first ?? element?.querySelector<HTMLElement>("footer button"))?.focus();
    return () => element?.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      className={`${styles.dialog} ${wide ? styles.wide : ""} ${bare ? styles.bare : ""}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className={styles.frame}>
        <header className={bare ? "hidden-visually" : styles.head}>
          <h2 id={titleId}>{title}</h2>
          <IconButton label={t("common.close")} icon={<X />} onClick={onClose} />
        </header>
        <div ref={body} className={styles.body}>
          {children}
        </div>
        {actions ? <footer className={styles.actions}>{actions}</footer> : null}
      </div>
    </dialog>
  );
}
