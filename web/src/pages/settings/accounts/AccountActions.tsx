import { useNavigate } from "@tanstack/react-router";
import { FlaskConical, Pause, Play, Trash2 } from "lucide-react";
import { useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import type { Account } from "./AccountsQuery";

const TestAccount = graphql(`
  mutation TestAccount($provider: String!, $name: String!, $idempotencyKey: String) {
    testAccount(provider: $provider, name: $name, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      passed
      errorClass
      errorCode
      account {
        lastTestedAt
      }
    }
  }
`);

const PauseAccount = graphql(`
  mutation PauseAccount($provider: String!, $name: String!, $reason: String!, $idempotencyKey: String) {
    pauseAccount(provider: $provider, name: $name, reason: $reason, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      account {
        state
      }
    }
  }
`);

const ResumeAccount = graphql(`
  mutation ResumeAccount($provider: String!, $name: String!, $idempotencyKey: String) {
    resumeAccount(provider: $provider, name: $name, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      account {
        state
      }
    }
  }
`);

const RemoveAccount = graphql(`
  mutation RemoveAccount($provider: String!, $name: String!, $idempotencyKey: String) {
    removeAccount(provider: $provider, name: $name, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      position
    }
  }
`);

interface AccountActionsProps {
  account: Account;
  onChanged: () => void;
}

export function AccountActions({ account, onChanged }: AccountActionsProps) {
  const [asked, setAsked] = useState<"pause" | "remove">();
  const testing = useAction(TestAccount);
  const resuming = useAction(ResumeAccount);
  const { provider, name } = account;
  const close = () => setAsked(undefined);

  const test = async () => {
    const tested = (await testing.run({ provider, name }))?.testAccount;
    onChanged();
    if (!tested) return;
    const why = [tested.errorClass && t(`retryClass.${tested.errorClass}`), tested.errorCode]
      .filter(Boolean)
      .join(": ");
    if (tested.passed) toast(t("accounts.testDone"));
    else toast(t("accounts.testRefused", { why }), { isProblem: true });
  };

  const resume = async () => {
    if (await resuming.run({ provider, name })) toast(t("accounts.resumed"));
    onChanged();
  };

  const isPaused = account.pausedSince !== null;
  const failure = testing.refusal ?? resuming.refusal ?? testing.problem ?? resuming.problem;
  return (
    <>
      {failure ? <span role="alert">{failure.message}</span> : null}
      {account.source === "SIMULATOR" ? null : (
        <>
          <Button icon={<FlaskConical aria-hidden="true" />} busy={testing.running} onClick={test}>
            {t("accounts.test")}
          </Button>
          {isPaused || account.state === "RESTING" ? (
            <Button icon={<Play aria-hidden="true" />} busy={resuming.running} onClick={resume}>
              {t("accounts.resume")}
            </Button>
          ) : null}
          {isPaused ? null : (
            <Button icon={<Pause aria-hidden="true" />} onClick={() => setAsked("pause")}>
              {t("accounts.pause")}
            </Button>
          )}
        </>
      )}
      {account.source === "API" ? (
        <Button kind="danger" icon={<Trash2 aria-hidden="true" />} onClick={() => setAsked("remove")}>
          {t("common.remove")}
        </Button>
      ) : null}
      {asked === "pause" ? <PauseDialog account={account} onClose={close} onDone={onChanged} /> : null}
      {asked === "remove" ? <RemoveDialog account={account} onClose={close} /> : null}
    </>
  );
}

function PauseDialog({ account, onClose, onDone }: { account: Account; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const { run, running, refusal, problem } = useAction(PauseAccount);
  const pause = async () => {
    if (!(await run({ provider: account.provider, name: account.name, reason: reason.trim() }))) return;
    onDone();
    onClose();
  };
  return (
    <ConfirmDialog
      title={t("accounts.pauseTitle", { name: account.name })}
      action={t("accounts.pause")}
      isRunning={running}
      refusal={refusal?.field === "reason" ? undefined : refusal}
      problem={problem}
      onConfirm={pause}
      onClose={onClose}
    >
      <p>{t("accounts.pauseHint")}</p>
      <Input
        label={t("accounts.pauseReason")}
        hint={t("accounts.pauseReasonHint")}
        error={refusal?.field === "reason" ? refusal.message : undefined}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </ConfirmDialog>
  );
}

function RemoveDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const navigate = useNavigate();
  const { run, running, refusal, problem } = useAction(RemoveAccount);
  const remove = async () => {
    if (!(await run({ provider: account.provider, name: account.name }))) return;
    toast(t("accounts.removed", { name: account.name }));
    void navigate({ to: "/settings/accounts" });
  };
  return (
    <ConfirmDialog
      title={t("accounts.removeTitle", { name: account.name })}
      action={t("common.remove")}
      isDangerous
      isRunning={running}
      refusal={refusal}
      problem={problem}
      onConfirm={remove}
      onClose={onClose}
    >
      <p>{t("accounts.removeHint")}</p>
    </ConfirmDialog>
  );
}
