import { ImageUp, Trash2 } from "lucide-react";
import { useId, useRef, useState } from "react";
import { Button, IconButton } from "../../../components/Button";
import { t } from "../../../texts";
import { LOGO_TYPES, logoProblem } from "./brandDraft";
import styles from "./LogoField.module.css";

interface LogoFieldProps {
  /** A `data:` URL. */
  logo: string | null;
  error?: string;
  onChange: (logo: string | null) => void;
}

export function LogoField({ logo, error, onChange }: LogoFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<"type" | "size" | "unreadable">();
  const id = useId();

  const choose = async (file: File) => {
    const found = logoProblem(file);
    setProblem(found);
    if (found) return;
    try {
      onChange(await read(file));
    } catch {
      setProblem("unreadable");
    }
  };

  const message = problem ? t(`brand.logoProblem.${problem}`) : error;
  return (
    <div className={styles.field} role="group" aria-labelledby={id}>
      <span id={id} className={styles.label}>
        {t("brand.logo")}
      </span>
      <div className={styles.row}>
        {logo ? <img src={logo} alt={t("brand.logo")} className={styles.logo} /> : null}
        <Button icon={<ImageUp aria-hidden="true" />} onClick={() => field.current?.click()}>
          {t(logo ? "brand.replaceLogo" : "brand.chooseLogo")}
        </Button>
        {logo ? <IconButton label={t("brand.removeLogo")} icon={<Trash2 />} onClick={() => onChange(null)} /> : null}
        <input
          ref={field}
          type="file"
          accept={LOGO_TYPES.join(",")}
          hidden
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) void choose(file);
            // The same file may be chosen again.
            event.target.value = "";
          }}
        />
      </div>
      <p className={styles.hint}>{t("brand.logoHint")}</p>
      {message ? (
        <p className={styles.error} role="alert">
          {message}
        </p>
      ) : null}
    </div>
  );
}

function read(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
