import { useEffect, useMemo, useRef, useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { useSettled } from "../../../api/useSettled";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { toast } from "../../../components/Toast";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { CriteriaEditor } from "../criteria/CriteriaEditor";
import { draftOf } from "../criteria/draft";
import { toInput } from "../criteria/input";
import { PreviewPanel } from "../criteria/PreviewPanel";
import { mistakeAt } from "../criteria/places";
import { fromJson, type Group, gapsOf, newGroup, toJson } from "../criteria/tree";
import { useCriteriaPreview } from "../criteria/useCriteria";
import type { ShownList } from "../ListQuery";
import { listUrl } from "../listsUrl";
import styles from "./SavedCriteria.module.css";

const UpdateCriteria = graphql(`
  mutation UpdateListCriteria($listId: ID!, $criteria: ListCriteriaInput!, $idempotencyKey: String) {
    updateList(listId: $listId, criteria: $criteria, idempotencyKey: $idempotencyKey) {
      list {
        id
        criteria
        ruleVersion
        isEvaluating
        memberCount
        changedAt
        uses {
          id
          name
        }
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

/** The criteria of a smart list: what would change is shown before it is saved. */
export function SavedCriteria({ list, onSaved }: { list: ShownList; onSaved: () => void }) {
  const [url, setUrl] = useUrlState(listUrl);
  const savedJson = JSON.stringify(list.criteria);
  const saved = useMemo(() => draftOf(savedJson) ?? newGroup(), [savedJson]);
  const [root, setRoot] = useState(() => draftOf(url.criteria) ?? fromJson(toJson(saved)));
  const [begun, setBegun] = useState(0);
  const beginWith = (criteria: Group) => {
    setRoot(criteria);
    setBegun((count) => count + 1);
  };
  const preview = useCriteriaPreview(root);
  const { run, running, refusal, problem, reset } = useAction(UpdateCriteria);
  const written = useMemo(() => JSON.stringify(toJson(root)), [root]);
  const isChanged = written !== JSON.stringify(toJson(saved));

  // What is not saved yet survives a reload.
  const settled = useSettled(isChanged ? written : undefined);
  const shown = useRef(url.criteria);
  useEffect(() => {
    if (shown.current === settled) return;
    shown.current = settled;
    setUrl({ criteria: settled });
  }, [setUrl, settled]);

  const discard = () => {
    beginWith(fromJson(toJson(saved)));
    reset();
  };
  const save = async () => {
    const data = await run({ listId: list.id, criteria: toInput(root) });
    if (!data) return;
    toast(t("lists.savedCriteria"));
    const criteria = draftOf(JSON.stringify(data.updateList.list?.criteria));
    if (criteria) beginWith(criteria);
    onSaved();
  };
  const writes = mayAuthor(useViewer());
  const field = refusal?.field ?? "";
  const isAtCriteria = field.startsWith("criteria");
  const mistake = refusal && isAtCriteria ? mistakeAt(root, field, refusal.message) : preview.mistake;
  return (
    <div className={styles.criteria}>
      <div className={styles.columns}>
        <CriteriaEditor
          // The fields begin again with what was saved or restored, but not while somebody types.
          key={begun}
          root={root}
          onChange={setRoot}
          mistake={mistake}
          view={url.view}
          onView={(view) => setUrl({ view })}
        />
        <PreviewPanel preview={preview} saved={isChanged ? toInput(saved) : undefined} />
      </div>
      {isChanged && writes ? (
        <div className={styles.bar}>
          <Failure
            refusal={isAtCriteria ? undefined : refusal}
            problem={problem}
            onRetry={problem ? save : undefined}
          />
          <Button kind="quiet" onClick={discard}>
            {t("lists.discard")}
          </Button>
          <Button
            kind="primary"
            busy={running}
            disabled={root.parts.length === 0 || gapsOf(root).length > 0}
            onClick={save}
          >
            {t("lists.saveCriteria")}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
