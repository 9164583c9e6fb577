import { type FormEvent, useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Input, Select } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import styles from "./AccountPage.module.css";
import type { Account } from "./AccountsQuery";

const SetRate = graphql(`
  mutation SetAccountRate(
    $provider: String!
    $name: String!
    $perSecond: Float!
    $unit: RateUnit
    $idempotencyKey: String
  ) {
    setAccountRate(
      provider: $provider
      name: $name
      perSecond: $perSecond
      unit: $unit
      idempotencyKey: $idempotencyKey
    ) {
      refusal {
        code
        message
        field
      }
      account {
        perSecond
        unit
      }
    }
  }
`);

/** The rate of an account of the configuration, which nothing else of it can be changed of here. */
export function RateForm({ account, onChanged }: { account: Account; onChanged: () => void }) {
  const [perSecond, setPerSecond] = useState(String(account.perSecond));
  const [unit, setUnit] = useState(account.unit);
  const { run, running, refusal, problem } = useAction(SetRate);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { provider, name } = account;
    if (!(await run({ provider, name, perSecond: Number(perSecond), unit }))) return;
    toast(t("common.saved"));
    onChanged();
  };
  return (
    <Panel title={t("accounts.rateTitle")} hint={t("accounts.routing.perSecondHint")}>
      <form className={styles.rate} onSubmit={submit}>
        <Input
          label={t("accounts.routing.perSecond")}
          type="number"
          min="0"
          step="any"
          required
          value={perSecond}
          onChange={(event) => setPerSecond(event.target.value)}
        />
        <Select
          label={t("accounts.routing.unit")}
          value={unit}
          options={(["MESSAGES", "SEGMENTS"] as const).map((value) => ({ value, label: t(`accounts.unit.${value}`) }))}
          onChange={setUnit}
        />
        <Button type="submit" busy={running}>
          {t("common.save")}
        </Button>
      </form>
      <Failure refusal={refusal} problem={problem} />
    </Panel>
  );
}
