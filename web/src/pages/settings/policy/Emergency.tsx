import { type FormEvent, useState } from "react";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { useNow } from "../../../components/Time";
import { t } from "../../../texts";
import { dateTime } from "../../../texts/format";
import styles from "./PolicyPage.module.css";
import { type Policy, UpdatePolicy } from "./PolicyQuery";

/** Lifts quiet times and caps for a while. The log keeps who did it and why. */
export function Emergency({ policy, onSaved }: { policy: Policy; onSaved: () => void }) {
  const now = useNow();
  const [isAsking, setIsAsking] = useState(false);
  const { run, running, refusal, problem } = useAction(UpdatePolicy);
  const override = policy.emergencyOverride;
  const isOn = override !== null && new Date(override.until) > now;
  const end = async () => {
    if (await run({ changes: { emergencyOverride: null } })) onSaved();
  };
  return (
    <Panel
      title={t("policy.emergency")}
      hint={
        isOn
          ? t("policy.emergencyOn", {
              until: dateTime(override.until),
              who: override.author.name ?? override.author.actor,
              reason: override.reason,
            })
          : t("policy.emergencyHint")
      }
      actions={
        isOn ? (
          <Button busy={running} onClick={end}>
            {t("policy.emergencyEnd")}
          </Button>
        ) : (
          <Button kind="danger" onClick={() => setIsAsking(true)}>
            {t("policy.emergencyDeclare")}
          </Button>
        )
      }
    >
      <Failure refusal={refusal} problem={problem} />
      {isAsking ? <Declare onDeclared={onSaved} onClose={() => setIsAsking(false)} /> : null}
    </Panel>
  );
}

function Declare({ onDeclared, onClose }: { onDeclared: () => void; onClose: () => void }) {
  const [until, setUntil] = useState("");
  const [reason, setReason] = useState("");
  const { run, running, refusal, problem } = useAction(UpdatePolicy);
  const declare = async (event: FormEvent) => {
    event.preventDefault();
    const override = { until: new Date(until).toISOString(), reason: reason.trim() };
    if (!(await run({ changes: { emergencyOverride: override } }))) return;
    onDeclared();
    onClose();
  };
  return (
    <Dialog
      title={t("policy.emergencyDeclare")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" form="emergency" kind="danger" busy={running}>
            {t("policy.emergencyDeclare")}
          </Button>
        </>
      }
    >
      <form id="emergency" className={styles.form} onSubmit={declare}>
        <p>{t("policy.emergencyHint")}</p>
        <Input
          label={t("policy.until")}
          type="datetime-local"
          required
          value={until}
          onChange={(event) => setUntil(event.target.value)}
        />
        <Input
          label={t("accounts.pauseReason")}
          hint={t("accounts.pauseReasonHint")}
          required
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <Failure refusal={refusal} problem={problem} />
      </form>
    </Dialog>
  );
}
