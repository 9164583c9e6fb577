import { Paperclip, X } from "lucide-react";
import { useRef } from "react";
import { IconButton } from "../components/Button";
import { t } from "../texts";
import styles from "./Uploads.module.css";
import type { Upload } from "./useUploads";

/** The files that go with a message. */
export function Uploads({ uploads, onRemove }: { uploads: readonly Upload[]; onRemove: (id: number) => void }) {
  if (uploads.length === 0) return null;
  return (
    <ul className={styles.uploads} aria-label={t("compose.attachments")}>
      {uploads.map(({ id, name, token, reason }) => (
        <li key={id} className={`${styles.upload} ${reason ? styles.failed : ""}`} aria-busy={!token && !reason}>
          <bdi title={name}>
            {reason ? t("compose.uploadFailed", { name, reason }) : token ? name : t("compose.uploading", { name })}
          </bdi>
          <button type="button" aria-label={t("compose.remove", { name })} onClick={() => onRemove(id)}>
            <X aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A button that opens the browser's choice of files. */
export function AttachButton({ onChoose }: { onChoose: (files: Iterable<File>) => void }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label={t("inbox.attach")} icon={<Paperclip />} onClick={() => field.current?.click()} />
      <input
        ref={field}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          onChoose(event.target.files ?? []);
          // The same file may be chosen again.
          event.target.value = "";
        }}
      />
    </>
  );
}
