import { useEffect, useMemo, useRef, useState } from "react";
import { useAction } from "../../../api/useAction";
import { SaveTemplate } from "../TemplateQuery";
import { type Draft, draftOf, type SavedTemplate } from "./draft";

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** The draft as it is edited, and what saves it. What somebody else saved meanwhile is never overwritten. */
export function useDraft(saved: SavedTemplate, onSaved: () => void) {
  const [base, setBase] = useState(saved);
  const [draft, setDraft] = useState(() => draftOf(saved));
  const baseDraft = useMemo(() => draftOf(base), [base]);
  const isChanged = !same(draft, baseDraft);
  const sent = useRef<{ draft: Draft; revision?: number }>(undefined);
  const { run, running, refusal, problem, reset } = useAction(SaveTemplate);

  useEffect(() => {
    if (saved === base) return;
    const isOurs = saved.revision === sent.current?.revision;
    // Another revision than ours, and there are changes: the next save is refused, and the person decides.
    if (saved.revision !== base.revision && isChanged && !isOurs) return;
    setBase(saved);
    // What was typed while it was being saved stays.
    if (!isChanged || same(draft, sent.current?.draft)) setDraft(draftOf(saved));
  }, [saved, base, draft, isChanged]);

  const save = async (): Promise<number | undefined> => {
    const data = await run({ input: { ...draft, revision: base.revision } });
    const revision = data?.saveTemplate.revision ?? undefined;
    if (revision === undefined) return undefined;
    sent.current = { draft, revision };
    onSaved();
    return revision;
  };
  const discard = () => {
    setBase(saved);
    setDraft(draftOf(saved));
    reset();
  };
  return { draft, setDraft, base, isChanged, save, discard, isSaving: running, refusal, problem };
}
