import { type FormEvent, useId, useState } from "react";
import { useQuery } from "urql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Skeleton } from "../../../components/Skeleton";
import { toast } from "../../../components/Toast";
import { type TextKey, t } from "../../../texts";
import styles from "./EditDialog.module.css";
import { ChangeCustomer, FIELDS, type FieldName, type Profile, ProfileQuery, patchOf, writtenOf } from "./profile";

interface EditProps {
  id: string;
  onClose: () => void;
}

export function EditDialog({ id, onClose }: EditProps) {
  const [{ data, error }] = useQuery({ query: ProfileQuery, variables: { id }, requestPolicy: "network-only" });
  if (data?.customer) return <Form profile={data.customer} onClose={onClose} />;
  return (
    <Dialog title={t("customer.edit")} onClose={onClose}>
      {error ? <Failure problem={problemOf(error)} /> : <Skeleton lines={6} />}
    </Dialog>
  );
}

const LABELS: Record<FieldName, TextKey> = {
  name: "customers.column.name",
  locale: "customers.column.locale",
  timeZone: "customer.timeZone",
  preferredHours: "customer.preferredHours",
  territory: "customers.column.territory",
  industry: "customer.industry",
  accountType: "customer.accountType",
  priority: "customer.priority",
  owner: "customers.column.owner",
  leadScore: "customers.column.leadScore",
};

function Form({ profile, onClose }: { profile: Profile; onClose: () => void }) {
  const [before] = useState(() => writtenOf(profile));
  const [written, setWritten] = useState(before);
  const { run, running, refusal, problem } = useAction(ChangeCustomer);
  const form = useId();
  const patch = patchOf(before, written);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await run({ customerId: profile.id, changes: patch }))) return;
    toast(t("customer.profile.saved"));
    onClose();
  };
  const error = (name: string) => (refusal?.field === name ? refusal.message : undefined);
  const isPlaced = [...FIELDS, "tags"].some((name) => name === refusal?.field);
  return (
    <Dialog
      title={t("customer.edit")}
      onClose={onClose}
      wide
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button
            kind="primary"
            type="submit"
            form={form}
            busy={running}
            disabled={Object.keys(patch).length === 0}
            title={Object.keys(patch).length === 0 ? t("customer.profile.nothing") : undefined}
          >
            {t("common.save")}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={submit}>
        {FIELDS.map((name) => (
          <Input
            key={name}
            label={t(LABELS[name])}
            hint={name === "preferredHours" ? t("customer.preferredHoursHint") : undefined}
            dir="auto"
            inputMode={name === "leadScore" ? "numeric" : undefined}
            pattern={name === "leadScore" ? "-?[0-9]*" : undefined}
            value={written[name]}
            error={error(name)}
            onChange={(event) => setWritten({ ...written, [name]: event.target.value })}
          />
        ))}
        <Input
          label={t("customer.profile.tags")}
          hint={t("customer.profile.tagsHint")}
          dir="auto"
          value={written.tags}
          error={error("tags")}
          onChange={(event) => setWritten({ ...written, tags: event.target.value })}
        />
      </form>
      <Failure refusal={isPlaced ? undefined : refusal} problem={problem} />
    </Dialog>
  );
}
