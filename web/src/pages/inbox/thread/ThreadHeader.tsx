import { Link } from "@tanstack/react-router";
import { ArrowLeft, Check, Clock, RotateCcw } from "lucide-react";
import { useState } from "react";
import type { Enum } from "../../../api/graphql";
import { uuidOf } from "../../../api/ids";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { Person } from "../../../components/Person";
import { Badge, ChannelName } from "../../../components/Status";
import { Time } from "../../../components/Time";
import { toast } from "../../../components/Toast";
import { mayEdit } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { useShortcuts } from "../../../shell/shortcuts";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import type { ConversationRow } from "../InboxQuery";
import { AssigneeSelect } from "./AssigneeSelect";
import { SnoozeDialog } from "./SnoozeDialog";
import type { ThreadProps } from "./Thread";
import styles from "./ThreadHeader.module.css";
import { UpdateConversation } from "./ThreadQuery";

const PRIORITIES = ["URGENT", "HIGH", "NORMAL", "LOW"] as const satisfies readonly Enum<"ConversationPriority">[];

type HeaderProps = Omit<ThreadProps, "id"> & { conversation: ConversationRow };

/** Who it is, and what an agent does with the conversation. */
export function ThreadHeader({ conversation, me, colleagues, onName, onClose, onDone }: HeaderProps) {
  const { id: conversationId, customerId, customer, state } = conversation;
  const { run, running, refusal, problem } = useAction(UpdateConversation);
  const [isSnoozing, setIsSnoozing] = useState(false);
  const edits = mayEdit(useViewer());

  type Changes = Parameters<typeof run>[0]["changes"];
  const change = (changes: Changes) => run({ customerId, conversationId, changes });
  const isOpen = state === "OPEN" || state === "PENDING";
  const resolve = async () => {
    if (!(await change({ state: isOpen ? "RESOLVED" : "OPEN" }))) return;
    if (!isOpen) return;
    toast(t("inbox.resolved"));
    onDone();
  };
  const snooze = async (until: Date) => {
    if (!(await change({ state: "SNOOZED", snoozedUntil: until.toISOString() }))) return;
    setIsSnoozing(false);
    toast(t("inbox.snoozedUntil", { time: dateTime(until) }));
    onDone();
  };
  const assign = (assignee: string | null) => change({ assignee });
  useShortcuts(
    edits ? { e: resolve, s: () => setIsSnoozing(true), a: () => (me === undefined ? onName() : assign(me)) } : {},
  );

  return (
    <header className={styles.header}>
      <div className={styles.line}>
        <span className={styles.back}>
          <IconButton label={t("inbox.back")} icon={<ArrowLeft />} onClick={onClose} />
        </span>
        <h2 className={styles.name}>
          <Link to="/customers/$customerId" params={{ customerId: uuidOf(customerId) }}>
            <Person name={customer?.name ?? null} isForgotten={Boolean(customer?.forgottenAt)} />
          </Link>
        </h2>
        {edits ? (
          <div className={styles.actions}>
            <Button icon={<Clock />} onClick={() => setIsSnoozing(true)}>
              {t("inbox.snooze")}
            </Button>
            <Button icon={isOpen ? <Check /> : <RotateCcw />} busy={running} onClick={resolve}>
              {t(isOpen ? "inbox.resolve" : "inbox.reopen")}
            </Button>
          </div>
        ) : null}
      </div>
      <div className={styles.line}>
        <ChannelName channel={conversation.channel} />
        <Badge tone={state === "OPEN" ? "accent" : "neutral"}>
          {conversation.snoozedUntil
            ? t("inbox.snoozedUntil", { time: dateTime(conversation.snoozedUntil) })
            : t(`conversationState.${state}`)}
        </Badge>
        {conversation.waitingSince ? (
          <span className={styles.waiting}>
            {t("inbox.waiting")} <Time at={conversation.waitingSince} />
          </span>
        ) : null}
        {edits ? (
          <div className={styles.fields}>
            <AssigneeSelect
              assignee={conversation.assignee}
              me={me}
              colleagues={colleagues}
              onAssign={assign}
              onName={onName}
            />
            <Select
              label={t("inbox.priority")}
              isLabelHidden
              value={conversation.priority}
              options={PRIORITIES.map((priority) => ({ value: priority, label: t(`inbox.priorities.${priority}`) }))}
              onChange={(priority) => change({ priority })}
            />
          </div>
        ) : null}
      </div>
      {isSnoozing ? null : <Failure refusal={refusal} problem={problem} />}
      {isSnoozing ? (
        <SnoozeDialog
          onSnooze={snooze}
          onClose={() => setIsSnoozing(false)}
          isRunning={running}
          refusal={refusal}
          problem={problem}
        />
      ) : null}
    </header>
  );
}
