import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { graphql } from "../../api/graphql";
import { uuidOf } from "../../api/ids";
import { useAction } from "../../api/useAction";
import { useSettled } from "../../api/useSettled";
import { Button, LinkButton } from "../../components/Button";
import { Failure } from "../../components/Failure";
import { Input } from "../../components/Field";
import { PageHeader } from "../../components/PageHeader";
import { t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { CriteriaEditor } from "./criteria/CriteriaEditor";
import { draftOf } from "./criteria/draft";
import { toInput } from "./criteria/input";
import { PreviewPanel } from "./criteria/PreviewPanel";
import { mistakeAt } from "./criteria/places";
import { gapsOf, newGroup, toJson } from "./criteria/tree";
import { useCriteriaPreview } from "./criteria/useCriteria";
import { newListUrl } from "./listsUrl";
import styles from "./NewListPage.module.css";

const CreateList = graphql(`
  mutation CreateList($name: String!, $criteria: ListCriteriaInput, $idempotencyKey: String) {
    createList(name: $name, criteria: $criteria, idempotencyKey: $idempotencyKey) {
      list {
        id
        name
        kind
        memberCount
        isEvaluating
        criteria
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export function NewListPage() {
  const [url, setUrl] = useUrlState(newListUrl);
  const navigate = useNavigate();
  const [name, setName] = useState(url.name);
  const [root, setRoot] = useState(() => draftOf(url.criteria) ?? newGroup());
  const preview = useCriteriaPreview(root);
  const { run, running, refusal, problem } = useAction(CreateList);
  const isSmart = url.kind === "SMART";

  // What is written survives a reload, and its address can be sent.
  const written = useSettled(useMemo(() => JSON.stringify(toJson(root)), [root]));
  const settledName = useSettled(name);
  useEffect(() => {
    setUrl({ name: settledName, criteria: root.parts.length > 0 ? written : undefined });
  }, [setUrl, settledName, written, root.parts.length]);

  const save = async () => {
    const data = await run({ name: name.trim(), criteria: isSmart ? toInput(root) : undefined });
    const id = data?.createList.list?.id;
    if (id) navigate({ to: "/lists/$listId", params: { listId: uuidOf(id) } });
  };
  const field = refusal?.field;
  const isComplete = !isSmart || (root.parts.length > 0 && gapsOf(root).length === 0);
  const isAtCriteria = field?.startsWith("criteria") ?? false;
  const mistake = refusal && isAtCriteria ? mistakeAt(root, field ?? "", refusal.message) : preview.mistake;

  return (
    <div className={styles.page}>
      <PageHeader
        title={t("lists.new")}
        above={<Link to="/lists">{t("nav.lists")}</Link>}
        actions={
          <>
            <LinkButton to="/lists" kind="quiet">
              {t("common.cancel")}
            </LinkButton>
            <Button kind="primary" busy={running} disabled={name.trim() === "" || !isComplete} onClick={save}>
              {t("lists.create")}
            </Button>
          </>
        }
      />
      <div className={styles.form}>
        <Input
          label={t("lists.column.name")}
          value={name}
          dir="auto"
          error={field === "name" ? refusal?.message : undefined}
          onChange={(event) => setName(event.target.value)}
        />
        <fieldset className={styles.kinds}>
          <legend>{t("lists.kind")}</legend>
          {(["SMART", "STATIC"] as const).map((kind) => (
            <label key={kind} className={styles.kind}>
              <input type="radio" name="kind" checked={url.kind === kind} onChange={() => setUrl({ kind })} />
              <span>
                <strong>{t(`lists.kinds.${kind}`)}</strong>
                <span>{t(`lists.kindHint.${kind}`)}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <Failure
          refusal={field === "name" || isAtCriteria ? undefined : refusal}
          problem={problem}
          onRetry={problem ? save : undefined}
        />
      </div>
      {isSmart ? (
        <div className={styles.columns}>
          <CriteriaEditor
            root={root}
            onChange={setRoot}
            mistake={mistake}
            view={url.view}
            onView={(view) => setUrl({ view })}
          />
          <PreviewPanel preview={preview} />
        </div>
      ) : null}
    </div>
  );
}
