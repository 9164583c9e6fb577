import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { t } from "../texts";
import { Button } from "./Button";
import styles from "./CopyText.module.css";
import { Input } from "./Field";

/** A text for another program, such as a URL or a token, with a button that copies it. */
export function CopyText({ label, text, hint }: { label: string; text: string; hint?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
  };
  return (
    <div className={styles.copy}>
      <Input
        label={label}
        hint={hint}
        readOnly
        value={text}
        spellCheck={false}
        onFocus={(event) => event.target.select()}
      />
      <Button
        icon={isCopied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
        aria-label={isCopied ? t("common.copied") : t("common.copyWhat", { what: label })}
        onClick={copy}
        onBlur={() => setIsCopied(false)}
      >
        {t(isCopied ? "common.copied" : "common.copy")}
      </Button>
    </div>
  );
}
