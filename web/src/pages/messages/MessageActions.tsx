import { Ban, MessagesSquare, Scale } from "lucide-react";
import { useState } from "react";
import type { Enum } from "../../api/graphql";
import { uuidOf } from "../../api/ids";
import { useAction } from "../../api/useAction";
import { Button, LinkButton } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Input, Select } from "../../components/Field";
import { toast } from "../../components/Toast";
import { useViewer } from "../../session/viewer";
import { t } from "../../texts";
import { inboxUrl } from "../inbox/inboxUrl";
import { CancelMessage, type MessageData, ResolveInDoubt } from "./MessageQuery";

const WAITING: readonly Enum<"MessageState">[] = ["QUEUED", "HELD"];

interface ActionsProps {
  message: MessageData;
  onDone: () => void;
}

/** What can still be done about a message. */
export function MessageActions({ message, onDone }: ActionsProps) {
  const { maySend } = useViewer();
  const [opened, setOpened] = useState<"cancel" | "resolve">();
  const close = () => setOpened(undefined);
  const done = () => {
    close();
    onDone();
  };
  return (
    <>
      {message.conversationId ? (
        <LinkButton
          to="/inbox"
          search={inboxUrl.params({ c: uuidOf(message.conversationId) })}
          icon={<MessagesSquare aria-hidden="true" />}
        >
          {t("message.openConversation")}
        </LinkButton>
      ) : null}
      {WAITING.includes(message.state) && maySend ? (
        <Button kind="danger" icon={<Ban aria-hidden="true" />} onClick={() => setOpened("cancel")}>
          {t("message.cancel")}
        </Button>
      ) : null}
      {message.state === "IN_DOUBT" && maySend ? (
        <Button kind="primary" icon={<Scale aria-hidden="true" />} onClick={() => setOpened("resolve")}>
          {t("message.resolve")}
        </Button>
      ) : null}
      {opened === "cancel" ? <CancelDialog message={message} onDone={done} onClose={close} /> : null}
      {opened === "resolve" ? <ResolveDialog message={message} onDone={done} onClose={close} /> : null}
    </>
  );
}

function CancelDialog({ message, onDone, onClose }: ActionsProps & { onClose: () => void }) {
  const { run, running, refusal, problem } = useAction(CancelMessage);
  const [reason, setReason] = useState("");
  const confirm = async () => {
    if (!(await run({ customerId: message.customerId, messageId: message.id, reason: reason.trim() }))) return;
    toast(t("message.cancelled"));
    onDone();
  };
  const isAboutReason = refusal?.field === "reason";
  return (
    <ConfirmDialog
      title={t("message.cancel")}
      action={t("message.cancel")}
      isDangerous
      isRunning={running}
      refusal={isAboutReason ? undefined : refusal}
      problem={problem}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t("message.cancelHint")}</p>
      <Input
        label={t("message.cancelReason")}
        dir="auto"
        maxLength={200}
        value={reason}
        error={isAboutReason ? refusal.message : undefined}
        onChange={(event) => setReason(event.target.value)}
      />
    </ConfirmDialog>
  );
}

const RESOLUTIONS = ["SENT", "NOT_SENT", "SEND_AGAIN"] as const satisfies readonly Enum<"Resolution">[];

function ResolveDialog({ message, onDone, onClose }: ActionsProps & { onClose: () => void }) {
  const { run, running, refusal, problem } = useAction(ResolveInDoubt);
  const [resolution, setResolution] = useState<Enum<"Resolution">>("SENT");
  const confirm = async () => {
    if (!(await run({ customerId: message.customerId, messageId: message.id, resolution }))) return;
    toast(t("message.resolved"));
    onDone();
  };
  // A second copy of an advertisement is never worth it.
  const offered = RESOLUTIONS.filter((one) => one !== "SEND_AGAIN" || message.class === "TRANSACTIONAL");
  return (
    <ConfirmDialog
      title={t("message.resolve")}
      action={t("message.resolve")}
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t("message.resolveHint")}</p>
      <Select
        label={t("message.resolutionLabel")}
        value={resolution}
        options={offered.map((one) => ({ value: one, label: t(`message.resolution.${one}`) }))}
        onChange={setResolution}
      />
    </ConfirmDialog>
  );
}
