import { FileUp } from "lucide-react";
import { useId, useState } from "react";
import { Progress } from "../../../components/Progress";
import { t } from "../../../texts";
import styles from "./FileDrop.module.css";
import { upload } from "./upload";

/** Takes a file by choosing or dropping it, and uploads it. */
export function FileDrop({ onUploaded }: { onUploaded: (fileId: string) => void }) {
  const id = useId();
  const [sent, setSent] = useState<{ done: number; total: number }>();
  const [problem, setProblem] = useState<string>();
  const [isOver, setIsOver] = useState(false);

  const take = async (file: File | undefined) => {
    if (!file) return;
    setProblem(undefined);
    setSent({ done: 0, total: file.size });
    const outcome = await upload(file, (done, total) => setSent({ done, total }));
    setSent(undefined);
    if ("fileId" in outcome) onUploaded(outcome.fileId);
    else setProblem(outcome.message ?? t("problem.offline"));
  };

  if (sent) return <Progress label={t("imports.uploading")} done={sent.done} total={sent.total} />;
  return (
    <div>
      <label
        htmlFor={id}
        className={`${styles.drop} ${isOver ? styles.over : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setIsOver(false);
          void take(event.dataTransfer.files[0]);
        }}
      >
        <FileUp aria-hidden="true" />
        <span>{t("imports.drop")}</span>
        <input
          id={id}
          className="hidden-visually"
          type="file"
          accept=".csv,.tsv,.txt,.gz,text/csv,text/tab-separated-values"
          onChange={(event) => void take(event.target.files?.[0])}
        />
      </label>
      {problem ? (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      ) : null}
    </div>
  );
}
