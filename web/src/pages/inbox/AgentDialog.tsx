import { type FormEvent, useId, useState } from "react";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Input } from "../../components/Field";
import { t } from "../../texts";
import { setAgentName } from "./agent";

/** Asks for the name under which conversations are one's own. */
export function AgentDialog({ name, onClose }: { name: string | undefined; onClose: () => void }) {
  const [words, setWords] = useState(name ?? "");
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const chosen = words.trim();
    if (!chosen) return;
    setAgentName(chosen);
    onClose();
  };
  return (
    <Dialog
      title={t("inbox.agent")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("inbox.agentSet")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <Input
          label={t("inbox.name")}
          hint={t("inbox.agentHint")}
          dir="auto"
          maxLength={100}
          required
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
