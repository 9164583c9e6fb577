import { type FormEvent, useId, useState } from "react";
import { type Enum, graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { CopyText } from "../../../components/CopyText";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Checkbox, Input, Select } from "../../../components/Field";
import { t } from "../../../texts";
import styles from "./IssueKey.module.css";
import { KeyFragment } from "./KeysQuery";

const Issue = graphql(
  `
    mutation IssueApiKey(
      $label: String!
      $role: Role!
      $send: Boolean
      $personal: Boolean
      $actsForUsers: Boolean!
      $expiresAt: DateTime
      $idempotencyKey: String
    ) {
      issueApiKey(
        label: $label
        role: $role
        send: $send
        personal: $personal
        actsForUsers: $actsForUsers
        expiresAt: $expiresAt
        idempotencyKey: $idempotencyKey
      ) {
        refusal {
          code
          message
          field
        }
        token
        key {
          ...Key
        }
      }
    }
  `,
  [KeyFragment],
);

const ROLES = ["ADMIN", "MARKETER", "AGENT", "ANALYST", "AUDITOR", "INGEST"] as const satisfies readonly Enum<"Role">[];

const GRANTS = ["usual", "yes", "no"] as const;
type Grant = (typeof GRANTS)[number];

/** Undefined leaves it to the role. */
const granted = (grant: Grant): boolean | undefined => (grant === "usual" ? undefined : grant === "yes");

export function IssueKey({ onIssued, onClose }: { onIssued: () => void; onClose: () => void }) {
  const formId = useId();
  const [label, setLabel] = useState("");
  const [role, setRole] = useState<Enum<"Role">>("MARKETER");
  const [send, setSend] = useState<Grant>("usual");
  const [personal, setPersonal] = useState<Grant>("usual");
  const [actsForUsers, setActsForUsers] = useState(false);
  const [expires, setExpires] = useState("");
  const [token, setToken] = useState<string>();
  const { run, running, refusal, problem } = useAction(Issue);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const input = {
      label: label.trim(),
      role,
      send: granted(send),
      personal: granted(personal),
      actsForUsers,
      expiresAt: expires ? new Date(expires).toISOString() : undefined,
    };
    const issued = (await run(input))?.issueApiKey;
    if (!issued?.token) return;
    setToken(issued.token);
    onIssued();
  };

  if (token) {
    return (
      <Dialog
        title={t("keys.issuedTitle", { label: label.trim() })}
        onClose={onClose}
        actions={
          <Button kind="primary" onClick={onClose}>
            {t("keys.kept")}
          </Button>
        }
      >
        <p>{t("keys.onceHint")}</p>
        <CopyText label={t("session.key")} text={token} />
      </Dialog>
    );
  }

  const grants = GRANTS.map((value) => ({ value, label: t(`keys.grant.${value}`) }));
  return (
    <Dialog
      title={t("keys.issue")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" form={formId} kind="primary" busy={running}>
            {t("keys.issue")}
          </Button>
        </>
      }
    >
      <form id={formId} className={styles.form} onSubmit={submit}>
        <Input
          label={t("keys.column.label")}
          hint={t("keys.labelHint")}
          error={refusal?.field === "label" ? refusal.message : undefined}
          required
          value={label}
          onChange={(event) => setLabel(event.target.value)}
        />
        <Select
          label={t("keys.column.role")}
          hint={t(`keys.roleHint.${role}`)}
          value={role}
          options={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
          onChange={setRole}
        />
        <div className={styles.grants}>
          <Select label={t("keys.mayPersonal")} value={personal} options={grants} onChange={setPersonal} />
          <Select label={t("keys.maySend")} value={send} options={grants} onChange={setSend} />
        </div>
        <Input
          label={t("keys.column.expires")}
          hint={t("keys.expiresHint")}
          error={refusal?.field === "expiresAt" ? refusal.message : undefined}
          type="datetime-local"
          value={expires}
          onChange={(event) => setExpires(event.target.value)}
        />
        <Checkbox
          label={t("keys.mayActForUsers")}
          checked={actsForUsers}
          onChange={(event) => setActsForUsers(event.target.checked)}
        />
        <Failure
          refusal={["label", "expiresAt"].includes(refusal?.field ?? "") ? undefined : refusal}
          problem={problem}
        />
      </form>
    </Dialog>
  );
}
