import { type FormEvent, useId, useState } from "react";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Input, Select } from "../../../components/Field";
import { t } from "../../../texts";

interface AssigneeProps {
  assignee: string | null;
  me: string | undefined;
  colleagues: readonly string[];
  onAssign: (assignee: string | null) => void;
  onName: () => void;
}

// Beside names, which never begin with a control character.
const NOBODY = "\u0000nobody";
const OTHER = "\u0000other";
const ME = "\u0000me";

export function AssigneeSelect({ assignee, me, colleagues, onAssign, onName }: AssigneeProps) {
  const [asksOther, setAsksOther] = useState(false);
  const names = [...new Set([...colleagues, ...(assignee ? [assignee] : [])])].filter((name) => name !== me).toSorted();
  return (
    <>
      <Select
        label={t("inbox.assignee")}
        isLabelHidden
        value={assignee === null ? NOBODY : assignee === me ? ME : assignee}
        options={[
          { value: NOBODY, label: t("inbox.nobody") },
          { value: ME, label: me === undefined ? t("inbox.toMe") : me },
          ...names.map((name) => ({ value: name, label: name })),
          { value: OTHER, label: t("inbox.toOther") },
        ]}
        onChange={(chosen) => {
          if (chosen === NOBODY) onAssign(null);
          else if (chosen === OTHER) setAsksOther(true);
          else if (chosen !== ME) onAssign(chosen);
          else if (me === undefined) onName();
          else onAssign(me);
        }}
      />
      {asksOther ? (
        <OtherDialog
          onAssign={(name) => {
            setAsksOther(false);
            onAssign(name);
          }}
          onClose={() => setAsksOther(false)}
        />
      ) : null}
    </>
  );
}

function OtherDialog({ onAssign, onClose }: { onAssign: (name: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) onAssign(name.trim());
  };
  return (
    <Dialog
      title={t("inbox.assignee")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <Input
          label={t("inbox.name")}
          dir="auto"
          maxLength={100}
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
