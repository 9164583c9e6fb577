import { Link, useBlocker } from "@tanstack/react-router";
import { useState } from "react";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Failure } from "../../../components/Failure";
import { PageHeader } from "../../../components/PageHeader";
import { Tabs } from "../../../components/Tabs";
import { toast } from "../../../components/Toast";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { useShortcuts } from "../../../shell/shortcuts";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { inOrder, keyFor, keyOf, type SavedTemplate, textFor } from "../draft/draft";
import { useDraft } from "../draft/useDraft";
import { type Finding, useLint } from "../draft/useLint";
import { templateUrl } from "../templatesUrl";
import { Versions } from "../versions/Versions";
import { EditorActions } from "./EditorActions";
import styles from "./EditorPage.module.css";
import type { Target } from "./FieldPlace";
import { TemplateFacts } from "./TemplateFacts";
import { Variables } from "./Variables";
import { Write } from "./Write";

export function EditorPage({ saved, onChanged }: { saved: SavedTemplate; onChanged: () => void }) {
  const [url, setUrl] = useUrlState(templateUrl);
  const edited = useDraft(saved, onChanged);
  const { draft, setDraft, isChanged, refusal } = edited;
  const lint = useLint(draft);
  const writes = mayAuthor(useViewer()) && !saved.archived;
  const [target, setTarget] = useState<Target>();
  const key =
    inOrder(draft)
      .map(keyOf)
      .find((one) => one === url.text) ?? inOrder(draft).map(keyOf)[0];

  const save = async () => {
    const revision = await edited.save();
    if (revision !== undefined) toast(t("templates.saved"));
    return revision;
  };
  useShortcuts({
    "mod+s": () => {
      if (writes && isChanged && !edited.isSaving) save();
    },
  });
  const leave = useBlocker({
    shouldBlockFn: ({ current, next }) => isChanged && current.pathname !== next.pathname,
    enableBeforeUnload: isChanged,
    withResolver: true,
  });

  /** Shows the text that a finding is about, and the place in it. A partial is a template of its own. */
  const show = (finding: Pick<Finding, "channel" | "locale" | "field" | "line" | "column">) => {
    const content = textFor(draft, finding.channel, finding.locale);
    setUrl({ tab: "write", part: "text", text: content ? keyOf(content) : keyFor(finding.channel, finding.locale) });
    setTarget({ field: finding.field, line: finding.line ?? 1, column: finding.column ?? 1 });
  };

  return (
    <div className={styles.page}>
      <PageHeader
        title={draft.title || saved.title}
        above={<Link to="/templates">{t("nav.templates")}</Link>}
        actions={
          <EditorActions
            saved={saved}
            edited={edited}
            findings={lint.findings}
            writes={writes}
            save={save}
            onChanged={onChanged}
          />
        }
      />
      <TemplateFacts saved={saved} draft={draft} isChanged={isChanged} />
      <div className={styles.failure}>
        <Failure
          refusal={refusal}
          problem={edited.problem}
          onRetry={refusal?.code === "TEMPLATE_CHANGED" ? edited.discard : undefined}
        />
      </div>
      <Tabs
        label={t("templates.parts")}
        value={url.tab}
        onChange={(tab) => setUrl({ tab }, { push: true })}
        tabs={[
          {
            value: "write",
            label: t("templates.tab.write"),
            content: () => (
              <Write
                draft={draft}
                onChange={setDraft}
                contentKey={key}
                lint={lint}
                target={target}
                onShow={show}
                isReadOnly={!writes}
              />
            ),
          },
          {
            value: "settings",
            label: t("templates.tab.settings"),
            content: () => <Variables draft={draft} onChange={setDraft} isReadOnly={!writes} />,
          },
          {
            value: "versions",
            label: t("templates.tab.versions"),
            content: () => <Versions saved={saved} draft={draft} />,
          },
        ]}
      />
      {leave.status === "blocked" ? (
        <ConfirmDialog
          title={t("templates.leaveTitle")}
          action={t("templates.leave")}
          isDangerous
          onConfirm={leave.proceed}
          onClose={leave.reset}
        >
          <p>{t("templates.leaveHint")}</p>
        </ConfirmDialog>
      ) : null}
    </div>
  );
}
