import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { Time } from "../../../components/Time";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import styles from "./SystemPage.module.css";
import type { ParkedEvent } from "./SystemQuery";

const Retry = graphql(`
  mutation RetryParked($parked: ParkedInput!) {
    retryParked(parked: $parked) {
      refusal {
        code
        message
        field
      }
      applied
    }
  }
`);

const Skip = graphql(`
  mutation SkipParked($parked: ParkedInput!, $reason: String!, $idempotencyKey: String) {
    skipParked(parked: $parked, reason: $reason, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      eventId
    }
  }
`);

/** Events that a read table could not take: what follows them in their stream waits too. */
export function Parked({ events, onChanged }: { events: readonly ParkedEvent[]; onChanged: () => void }) {
  return (
    <Panel title={t("system.parked")} hint={t("system.parkedHint")}>
      <ul className={styles.models}>
        {events.map((event) => (
          <ParkedRow key={`${event.projection} ${event.eventId}`} event={event} onChanged={onChanged} />
        ))}
      </ul>
    </Panel>
  );
}

function ParkedRow({ event, onChanged }: { event: ParkedEvent; onChanged: () => void }) {
  const [isSkipping, setIsSkipping] = useState(false);
  const { run, running, refusal, problem } = useAction(Retry);
  const retry = async () => {
    const done = await run({ parked: { eventId: event.eventId, projection: event.projection } });
    if (done) toast(t("system.applied", { count: done.retryParked.applied ?? 0 }));
    onChanged();
  };
  return (
    <li>
      <div>
        <Link to="/audit/events/$eventId" params={{ eventId: event.eventId }}>
          {event.type}
        </Link>{" "}
        <code>{event.projection}</code>
        <p>
          {event.reason} <Time at={event.recordedAt} />
        </p>
        <Failure refusal={refusal} problem={problem} />
      </div>
      <span className={styles.buttons}>
        <Button busy={running} onClick={retry}>
          {t("common.retry")}
        </Button>
        <Button kind="danger" onClick={() => setIsSkipping(true)}>
          {t("system.skip")}
        </Button>
      </span>
      {isSkipping ? <SkipDialog event={event} onDone={onChanged} onClose={() => setIsSkipping(false)} /> : null}
    </li>
  );
}

function SkipDialog({ event, onDone, onClose }: { event: ParkedEvent; onDone: () => void; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const { run, running, refusal, problem } = useAction(Skip);
  const skip = async () => {
    const parked = { eventId: event.eventId, projection: event.projection };
    if (!(await run({ parked, reason: reason.trim() }))) return;
    onDone();
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("system.skipTitle", { type: event.type })}
      action={t("system.skip")}
      isDangerous
      isRunning={running}
      refusal={refusal?.field === "reason" ? undefined : refusal}
      problem={problem}
      onConfirm={skip}
      onClose={onClose}
    >
      <p>{t("system.skipHint")}</p>
      <Input
        label={t("accounts.pauseReason")}
        hint={t("accounts.pauseReasonHint")}
        error={refusal?.field === "reason" ? refusal.message : undefined}
        value={reason}
        onChange={(change) => setReason(change.target.value)}
      />
    </ConfirmDialog>
  );
}
