import type { ComponentProps } from "react";
import { Badge } from "../../components/Status";
import { t } from "../../texts";
import type { ImportRow } from "./ImportsQuery";

const TONES: Record<ImportRow["state"], ComponentProps<typeof Badge>["tone"]> = {
  RUNNING: "accent",
  COMPLETED: "good",
  UNDONE: "neutral",
};

export const ImportState = ({ state }: Pick<ImportRow, "state">) => (
  <Badge tone={TONES[state]}>{t(`imports.state.${state}`)}</Badge>
);
