import { type FragmentOf, graphql, readFragment } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { t } from "../../../texts";
import { EntryFragment } from "./Entry";

const PinNote = graphql(
  `
    mutation PinNote($customerId: ID!, $noteId: ID!, $pinned: Boolean!, $idempotencyKey: String) {
      pinNote(customerId: $customerId, noteId: $noteId, pinned: $pinned, idempotencyKey: $idempotencyKey) {
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

interface PinButtonProps {
  customerId: string;
  entry: FragmentOf<typeof EntryFragment>;
}

/** Pins a note, or takes the pin off: the answer holds the entry, and the cache shows it. */
export function PinButton({ customerId, entry }: PinButtonProps) {
  const { note } = readFragment(EntryFragment, entry);
  const { run, running, refusal, problem } = useAction(PinNote);
  if (!note) return null;
  return (
    <>
      <Button
        kind="quiet"
        busy={running}
        onClick={() => run({ customerId, noteId: note.noteId, pinned: !note.pinned })}
      >
        {t(note.pinned ? "timeline.unpin" : "timeline.pin")}
      </Button>
      <Failure refusal={refusal} problem={problem} />
    </>
  );
}
