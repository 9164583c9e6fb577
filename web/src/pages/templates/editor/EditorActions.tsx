import { Archive, Ellipsis, Send, Undo2 } from "lucide-react";
import { useState } from "react";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Menu } from "../../../components/Menu";
import { toast } from "../../../components/Toast";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import type { SavedTemplate } from "../draft/draft";
import type { useDraft } from "../draft/useDraft";
import type { Finding } from "../draft/useLint";
import { ArchiveTemplate, PublishTemplate } from "../TemplateQuery";
import { stateOf } from "../TemplatesQuery";
import { TestSend } from "./TestSend";

interface EditorActionsProps {
  saved: SavedTemplate;
  edited: ReturnType<typeof useDraft>;
  findings: readonly Finding[];
  writes: boolean;
  save: () => Promise<number | undefined>;
  onChanged: () => void;
}

export function EditorActions({ saved, edited, findings, writes, save, onChanged }: EditorActionsProps) {
  const [open, setOpen] = useState<"publish" | "archive" | "test">();
  const publish = useAction(PublishTemplate);
  const archive = useAction(ArchiveTemplate);
  const { maySend } = useViewer();
  const close = () => setOpen(undefined);
  const errors = findings.filter((finding) => finding.level === "ERROR").length;
  const warnings = findings.length - errors;
  const next = (saved.version ?? 0) + 1;

  const publishNow = async () => {
    // What is looked at is what is published.
    const revision = edited.isChanged ? await edited.save() : saved.revision;
    if (revision === undefined) return close();
    const data = await publish.run({ code: saved.code, revision });
    if (!data) return;
    toast(t("templates.published", { version: data.publishTemplate.version ?? next }));
    close();
    onChanged();
  };
  const archiveNow = async () => {
    if (!(await archive.run({ code: saved.code }))) return;
    toast(t("templates.archivedNow"));
    close();
    onChanged();
  };
  const others = [
    ...(edited.isChanged ? [{ label: t("templates.discard"), icon: <Undo2 />, onSelect: edited.discard }] : []),
    ...(maySend ? [{ label: t("templates.test"), icon: <Send />, onSelect: () => setOpen("test") }] : []),
  ];
  const groups = [
    others,
    writes
      ? [{ label: t("templates.archive"), icon: <Archive />, isDangerous: true, onSelect: () => setOpen("archive") }]
      : [],
  ].filter((items) => items.length > 0);

  return (
    <>
      {groups.length > 0 ? (
        <Menu trigger={<Button icon={<Ellipsis aria-hidden="true" />}>{t("lists.actions")}</Button>} groups={groups} />
      ) : null}
      {writes ? (
        <>
          <Button busy={edited.isSaving} disabled={!edited.isChanged} onClick={save}>
            {t("templates.save")}
          </Button>
          <Button
            kind="primary"
            disabled={!edited.isChanged && stateOf(saved) === "PUBLISHED"}
            onClick={() => setOpen("publish")}
          >
            {t("templates.publish")}
          </Button>
        </>
      ) : null}
      {open === "publish" ? (
        <ConfirmDialog
          title={t("templates.publishTitle", { version: next })}
          action={t("templates.publish")}
          isRunning={publish.running || edited.isSaving}
          refusal={publish.refusal}
          problem={publish.problem}
          onConfirm={publishNow}
          onClose={close}
        >
          <p>{t("templates.publishHint")}</p>
          {errors > 0 ? <p>{t("templates.errorsLeft", { count: errors })}</p> : null}
          {warnings > 0 ? <p>{t("templates.warningsLeft", { count: warnings })}</p> : null}
        </ConfirmDialog>
      ) : null}
      {open === "archive" ? (
        <ConfirmDialog
          title={t("templates.archiveTitle", { title: saved.title })}
          action={t("templates.archive")}
          isDangerous
          isRunning={archive.running}
          refusal={archive.refusal}
          problem={archive.problem}
          onConfirm={archiveNow}
          onClose={close}
        >
          <p>{t("templates.archiveHint")}</p>
        </ConfirmDialog>
      ) : null}
      {open === "test" ? <TestSend saved={saved} isChanged={edited.isChanged} onClose={close} /> : null}
    </>
  );
}
