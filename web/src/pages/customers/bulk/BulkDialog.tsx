import { useState } from "react";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input } from "../../../components/Field";
import { t } from "../../../texts";
import type { BulkField } from "./bulk";

interface BulkProps {
  field: BulkField;
  count: number;
  onRun: (value: string) => void;
  onClose: () => void;
}

export function BulkDialog({ field, count, onRun, onClose }: BulkProps) {
  const [value, setValue] = useState("");
  const needsValue = field === "addTag" || field === "removeTag";
  const run = () => {
    if (value.trim() || !needsValue) onRun(value.trim());
  };
  return (
    <ConfirmDialog
      title={t(`customers.bulk.${field}`)}
      action={t("customers.bulk.do", { count })}
      isDisabled={needsValue && !value.trim()}
      onConfirm={run}
      onClose={onClose}
    >
      <Input
        label={t("customers.bulk.value")}
        dir="auto"
        value={value}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") run();
        }}
      />
    </ConfirmDialog>
  );
}
