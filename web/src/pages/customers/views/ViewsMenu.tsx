import { useNavigate } from "@tanstack/react-router";
import { Bookmark, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "../../../components/Button";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input } from "../../../components/Field";
import { Menu } from "../../../components/Menu";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { type CustomersState, customersUrl } from "../customersUrl";
import { readViews, type SavedView, withView, writeViews } from "./views";

/** Named states of the table. A view is a link: what it holds is the URL. */
export function ViewsMenu({ url }: { url: CustomersState }) {
  const { tenantId } = useViewer();
  const navigate = useNavigate();
  const [views, setViews] = useState(() => readViews(tenantId));
  const [isNaming, setIsNaming] = useState(false);
  const [name, setName] = useState("");

  const keep = (next: SavedView[]) => {
    setViews(next);
    writeViews(tenantId, next);
  };
  const params = customersUrl.params(url);
  const shown = views.find((view) => JSON.stringify(view.params) === JSON.stringify(params));
  const save = () => {
    if (!name.trim()) return;
    keep(withView(views, { name: name.trim(), params }));
    setName("");
    setIsNaming(false);
  };
  return (
    <>
      <Menu
        trigger={<Button icon={<Bookmark />}>{shown?.name ?? t("customers.views")}</Button>}
        groups={[
          views.map((view) => ({
            label: <bdi>{view.name}</bdi>,
            onSelect: () => navigate({ to: "/customers", search: view.params }),
          })),
          [
            {
              label: t("customers.saveView"),
              icon: <Plus aria-hidden="true" />,
              onSelect: () => setIsNaming(true),
            },
            ...(shown
              ? [
                  {
                    label: t("customers.removeView", { name: shown.name }),
                    icon: <Trash2 aria-hidden="true" />,
                    onSelect: () => keep(views.filter((view) => view !== shown)),
                  },
                ]
              : []),
          ],
        ].filter((group) => group.length > 0)}
      />
      {isNaming ? (
        <ConfirmDialog
          title={t("customers.viewTitle")}
          action={t("common.save")}
          isDisabled={!name.trim()}
          onConfirm={save}
          onClose={() => setIsNaming(false)}
        >
          <Input
            label={t("customers.viewName")}
            hint={t("customers.viewHint")}
            dir="auto"
            maxLength={60}
            value={name}
            onChange={(event) => setName(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter") save();
            }}
          />
        </ConfirmDialog>
      ) : null}
    </>
  );
}
