import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { t } from "../texts";
import { IconButton } from "./Button";
import styles from "./Toast.module.css";

interface Shown {
  id: number;
  text: string;
  isProblem: boolean;
}

const SECONDS_SHOWN = 6;

let shown: Shown[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function change(next: Shown[]) {
  shown = next;
  for (const listener of listeners) listener();
}

const remove = (id: number) => change(shown.filter((one) => one.id !== id));

/** Says at the screen's edge that something is done. A problem stays until it is closed. */
export function toast(text: string, { isProblem = false } = {}) {
  const id = ++lastId;
  change([...shown.slice(-2), { id, text, isProblem }]);
  if (!isProblem) window.setTimeout(() => remove(id), SECONDS_SHOWN * 1_000);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function Toasts() {
  const all = useSyncExternalStore(subscribe, () => shown);
  return (
    <div className={styles.toasts} role="status" aria-live="polite">
      {all.map((one) => (
        <div key={one.id} className={`${styles.toast} ${one.isProblem ? styles.problem : ""}`}>
          {one.isProblem ? <CircleAlert aria-hidden="true" /> : <CircleCheck aria-hidden="true" />}
          <p>{one.text}</p>
          <IconButton label={t("common.close")} icon={<X />} onClick={() => remove(one.id)} />
        </div>
      ))}
    </div>
  );
}
