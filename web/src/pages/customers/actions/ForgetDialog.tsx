import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Skeleton } from "../../../components/Skeleton";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import { CustomerCardFragment } from "../card/CustomerCard";
import { isTyped } from "./isTyped";

const ForgottenQuery = graphql(`
  query ToBeForgotten($id: ID!) {
    customer(id: $id) {
      id
      name
      mergedIds
    }
  }
`);

const ForgetCustomer = graphql(
  `
    mutation ForgetCustomer($customerId: ID!, $reason: String!, $idempotencyKey: String) {
      forgetCustomer(customerId: $customerId, reason: $reason, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        customer {
          id
          name
          forgottenAt
          ...CustomerCard
        }
      }
    }
  `,
  [CustomerCardFragment],
);

/** Forgets a person for good. Says what will happen, and asks for the name: a slip of the hand must not be enough. */
export function ForgetDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [{ data, error }] = useQuery({ query: ForgottenQuery, variables: { id } });
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const { run, running, refusal, problem } = useAction(ForgetCustomer);
  const customer = data?.customer;
  const name = customer?.name?.trim() || t("customer.forgetForm.word");

  const forget = async () => {
    if (!(await run({ customerId: id, reason: reason.trim() }))) return;
    toast(t("customer.forgetForm.done"));
    onClose();
  };
  const isAboutReason = refusal?.field === "reason";
  return (
    <Dialog
      title={t("customer.forget")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button
            kind="danger"
            busy={running}
            disabled={!customer || !isTyped(typed, name) || !reason.trim()}
            onClick={forget}
          >
            {t("customer.forget")}
          </Button>
        </>
      }
    >
      {customer ? (
        <>
          <p>{t("customer.forgetForm.what")}</p>
          {customer.mergedIds.length > 0 ? (
            <p>{t("customer.forgetForm.merged", { count: customer.mergedIds.length })}</p>
          ) : null}
          <p>{t("customer.forgetForm.stays")}</p>
          <p>{t("customer.forgetForm.never")}</p>
          <Input
            label={t("customer.forgetForm.reason")}
            hint={t("customer.forgetForm.reasonHint")}
            maxLength={200}
            value={reason}
            error={isAboutReason ? refusal.message : undefined}
            onChange={(event) => setReason(event.target.value)}
          />
          <Input
            label={t("customer.forgetForm.type", { name })}
            dir="auto"
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </>
      ) : error ? null : (
        <Skeleton lines={6} />
      )}
      <Failure refusal={isAboutReason ? undefined : refusal} problem={problem ?? (error && problemOf(error))} />
    </Dialog>
  );
}
