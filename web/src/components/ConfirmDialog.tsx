import type { ReactNode } from "react";
import type { Problem } from "../api/problem";
import type { Refusal } from "../api/useAction";
import { t } from "../texts";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Failure } from "./Failure";

interface ConfirmProps {
  title: string;
  /** What will happen. */
  children: ReactNode;
  /** The verb on the button. */
  action: string;
  isDangerous?: boolean;
  isWide?: boolean;
  isRunning?: boolean;
  /** Something is still missing. */
  isDisabled?: boolean;
  refusal?: Refusal;
  problem?: Problem;
  onConfirm: () => void;
  onClose: () => void;
}

export function ConfirmDialog(props: ConfirmProps) {
  return (
    <Dialog
      title={props.title}
      wide={props.isWide}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>{t("common.cancel")}</Button>
          <Button
            kind={props.isDangerous ? "danger" : "primary"}
            busy={props.isRunning}
            disabled={props.isDisabled}
            onClick={props.onConfirm}
          >
            {props.action}
          </Button>
        </>
      }
    >
      {props.children}
      <Failure refusal={props.refusal} problem={props.problem} />
    </Dialog>
  );
}
