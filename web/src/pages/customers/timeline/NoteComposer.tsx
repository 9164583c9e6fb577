import { type FormEvent, useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Checkbox, Textarea } from "../../../components/Field";
import { t } from "../../../texts";
import { EntryFragment } from "./Entry";
import styles from "./NoteComposer.module.css";

const AddNote = graphql(
  `
    mutation AddNote($customerId: ID!, $text: String!, $pinned: Boolean!, $idempotencyKey: String) {
      addNote(customerId: $customerId, text: $text, pinned: $pinned, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        entry {
          id
          ...TimelineEntry
        }
      }
    }
  `,
  [EntryFragment],
);

/** Writes a note to the customer's timeline. */
export function NoteComposer({ customerId, onAdded }: { customerId: string; onAdded: () => void }) {
  const [text, setText] = useState("");
  const [isPinned, setIsPinned] = useState(false);
  const { run, running, refusal, problem } = useAction(AddNote);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await run({ customerId, text, pinned: isPinned }))) return;
    setText("");
    setIsPinned(false);
    onAdded();
  };

  return (
    <form className={styles.composer} onSubmit={submit}>
      <Textarea
        label={t("timeline.addNote")}
        isLabelHidden
        placeholder={t("timeline.addNote")}
        rows={1}
        dir="auto"
        error={refusal?.field === "text" ? refusal.message : undefined}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
        }}
      />
      {text ? (
        <div className={styles.actions}>
          <Checkbox
            label={t("timeline.pin")}
            checked={isPinned}
            onChange={(event) => setIsPinned(event.target.checked)}
          />
          <Button type="submit" kind="primary" busy={running}>
            {t("timeline.addNote")}
          </Button>
        </div>
      ) : null}
      <Failure refusal={refusal?.field === "text" ? undefined : refusal} problem={problem} />
    </form>
  );
}
