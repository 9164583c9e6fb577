import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { uuidOf } from "../api/ids";
import { t } from "../texts";
import styles from "./CopyableId.module.css";

/** The end of an id, which tells rows apart; the whole id is copied. */
export function CopyableId({ id }: { id: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(id);
    setIsCopied(true);
  };
  return (
    <button
      type="button"
      className={styles.id}
      title={id}
      aria-label={t(isCopied ? "common.copied" : "common.copyId", { id })}
      onClick={copy}
      onBlur={() => setIsCopied(false)}
    >
      <code>…{uuidOf(id).slice(-8)}</code>
      {isCopied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
    </button>
  );
}
