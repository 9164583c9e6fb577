import { Download, Ellipsis, FileUp, PenLine, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "../../../components/Button";
import { Menu, type MenuItem } from "../../../components/Menu";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import type { ShownList } from "../ListQuery";
import { AddMembers } from "./AddMembers";
import { DeleteList } from "./DeleteList";
import { ExportMembers } from "./ExportMembers";
import { ImportMembers } from "./ImportMembers";
import { RenameList } from "./RenameList";

type Action = "add" | "import" | "export" | "rename" | "delete";

/** What can be done with a list. */
export function ListActions({ list, onChanged }: { list: ShownList; onChanged: () => void }) {
  const [open, setOpen] = useState<Action>();
  const writes = mayAuthor(useViewer());
  const isStatic = list.kind === "STATIC";
  const close = () => setOpen(undefined);
  const item = (action: Action, icon: React.ReactNode, isDangerous = false): MenuItem => ({
    label: t(`lists.action.${action}`),
    icon,
    isDangerous,
    onSelect: () => setOpen(action),
  });
  const groups = [
    [...(writes && isStatic ? [item("import", <FileUp />)] : []), item("export", <Download />)],
    ...(writes ? [[item("rename", <PenLine />), item("delete", <Trash2 />, true)]] : []),
  ];
  return (
    <>
      {writes && isStatic ? (
        <Button kind="primary" icon={<Plus aria-hidden="true" />} onClick={() => setOpen("add")}>
          {t("lists.action.add")}
        </Button>
      ) : null}
      <Menu trigger={<Button icon={<Ellipsis aria-hidden="true" />}>{t("lists.actions")}</Button>} groups={groups} />
      {open === "add" ? <AddMembers list={list} onAdded={onChanged} onClose={close} /> : null}
      {open === "import" ? <ImportMembers list={list} onAdded={onChanged} onClose={close} /> : null}
      {open === "export" ? <ExportMembers list={list} onClose={close} /> : null}
      {open === "rename" ? <RenameList list={list} onClose={close} /> : null}
      {open === "delete" ? <DeleteList list={list} onClose={close} /> : null}
    </>
  );
}
