import type { ReactNode } from "react";
import { number, percent } from "../../../texts/format";
import styles from "./Funnel.module.css";

export interface FunnelStep {
  id: string;
  label: string;
  count: number;
  kind: "whole" | "loss" | "result";
  /** Below the label, such as what a refusal says. */
  note?: string;
}

interface FunnelProps {
  label: string;
  /** What is 100 %. */
  total: number;
  steps: readonly FunnelStep[];
  /** A link or button around a step's name: each step leads to who it is. */
  link: (step: FunnelStep, words: ReactNode) => ReactNode;
  chosen?: string;
}

/** From the audience to what is sent: losses are set in. */
export function Funnel({ label, total, steps, link, chosen }: FunnelProps) {
  return (
    <ol className={styles.funnel} aria-label={label}>
      {steps.map((step) => (
        <li key={step.id} className={styles.step} data-kind={step.kind} data-chosen={step.id === chosen || undefined}>
          <div className={styles.words}>
            {link(step, step.label)}
            {step.note ? <span className={styles.note}>{step.note}</span> : null}
          </div>
          <div className={styles.track} aria-hidden="true">
            {step.count > 0 ? <div className={styles.bar} style={{ width: `${(step.count / total) * 100}%` }} /> : null}
          </div>
          <span className={styles.count}>{number(step.count)}</span>
          <span className={styles.part}>{total === 0 ? "" : percent(step.count / total)}</span>
        </li>
      ))}
    </ol>
  );
}
