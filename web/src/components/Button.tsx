import { Link, type LinkProps } from "@tanstack/react-router";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./Button.module.css";

type Kind = "primary" | "plain" | "quiet" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  icon?: ReactNode;
  /** Something that this button began is going on: it cannot be pressed again. */
  busy?: boolean;
}

export function Button({
  kind = "plain",
  icon,
  busy = false,
  children,
  disabled,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      className={`${styles.button} ${styles[kind]}`}
      disabled={disabled || busy}
      aria-busy={busy}
    >
      {busy ? <span className={styles.spinner} aria-hidden="true" /> : icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** What the button does: its name for screen readers and its title. */
  label: string;
  icon: ReactNode;
}

export function IconButton({ label, icon, type = "button", ...rest }: IconButtonProps) {
  return (
    <button {...rest} type={type} className={`${styles.button} ${styles.icon}`} aria-label={label} title={label}>
      {icon}
    </button>
  );
}

/** A link that looks like a button: for what has an address. */
export function LinkButton({
  kind = "plain",
  icon,
  children,
  ...rest
}: LinkProps & { kind?: Kind; icon?: ReactNode; children: ReactNode }) {
  return (
    <Link {...rest} className={`${styles.button} ${styles[kind]}`}>
      {icon}
      {children}
    </Link>
  );
}
