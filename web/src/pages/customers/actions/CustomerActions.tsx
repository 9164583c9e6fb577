import { useNavigate } from "@tanstack/react-router";
import { Combine, Ellipsis, FileDown, PenLine, UserX } from "lucide-react";
import { useState } from "react";
import { uuidOf } from "../../../api/ids";
import { IconButton } from "../../../components/Button";
import { Menu } from "../../../components/Menu";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { eventsUrl } from "../../audit/eventsUrl";
import { exportsUrl } from "../../imports/exports/exportsUrl";
import { EditDialog } from "./EditDialog";
import { ForgetDialog } from "./ForgetDialog";
import { MergeDialog } from "./MergeDialog";

/** What is done to a customer's record, beside writing. */
export function CustomerActions({ id }: { id: string }) {
  const { role } = useViewer();
  const [opened, setOpened] = useState<"edit" | "merge" | "forget">();
  const close = () => setOpened(undefined);
  const navigate = useNavigate();
  const toExport = () => {
    const search = { ...exportsUrl.params({ what: "events" }), ...eventsUrl.params({ customer: uuidOf(id) }) };
    void navigate({ to: "/imports/exports", search });
  };
  return (
    <>
      <Menu
        trigger={<IconButton label={t("customer.more")} icon={<Ellipsis />} />}
        groups={[
          [
            { label: t("customer.edit"), icon: <PenLine aria-hidden="true" />, onSelect: () => setOpened("edit") },
            { label: t("customer.merge"), icon: <Combine aria-hidden="true" />, onSelect: () => setOpened("merge") },
          ],
          role === "ADMIN"
            ? [
                { label: t("customer.export"), icon: <FileDown aria-hidden="true" />, onSelect: toExport },
                {
                  label: t("customer.forget"),
                  icon: <UserX aria-hidden="true" />,
                  onSelect: () => setOpened("forget"),
                  isDangerous: true,
                },
              ]
            : [],
        ].filter((group) => group.length > 0)}
      />
      {opened === "edit" ? <EditDialog id={id} onClose={close} /> : null}
      {opened === "merge" ? <MergeDialog id={id} onClose={close} /> : null}
      {opened === "forget" ? <ForgetDialog id={id} onClose={close} /> : null}
    </>
  );
}
