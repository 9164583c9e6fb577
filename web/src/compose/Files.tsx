import { Download, Paperclip } from "lucide-react";
import { useState } from "react";
import { save } from "../session/save";
import { t } from "../texts";
import { bytes } from "../texts/format";
import styles from "./Files.module.css";

export interface MessageFile {
  id: string;
  name: string | null;
  size: number | null;
  state: "STORED" | "REMOTE" | "MISSING";
  url: string | null;
}

/** A message's files. Reading one is recorded by the server, so nothing is fetched before somebody asks. */
export function Files({ files }: { files: readonly MessageFile[] }) {
  if (files.length === 0) return null;
  return (
    <ul className={styles.files} aria-label={t("compose.attachments")}>
      {files.map((file) => (
        <li key={file.id}>
          <File file={file} />
        </li>
      ))}
    </ul>
  );
}

function File({ file }: { file: MessageFile }) {
  const [hasFailed, setHasFailed] = useState(false);
  // A file that is not what its name seems to say hides it by turning letters round.
  const name = file.name?.replace(/[\u202A-\u202E\u2066-\u2069]/g, "") ?? t("compose.nameless");
  const size = file.size === null ? "" : bytes(file.size);
  if (!file.url) {
    return (
      <span className={styles.file}>
        <Paperclip aria-hidden="true" />
        <bdi title={name}>{name}</bdi>
        <span className={styles.size}>{t(file.state === "REMOTE" ? "compose.remote" : "compose.missing")}</span>
      </span>
    );
  }
  const url = file.url;
  return (
    <button
      type="button"
      className={styles.file}
      aria-label={t("compose.download", { name })}
      onClick={async () => setHasFailed(!(await save(url, name)))}
    >
      <Download aria-hidden="true" />
      <bdi title={name}>{name}</bdi>
      <span className={styles.size}>{hasFailed ? t("problem.offline") : size}</span>
    </button>
  );
}
