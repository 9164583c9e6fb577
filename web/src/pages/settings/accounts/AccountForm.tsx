import { type FormEvent, useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Input } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { t } from "../../../texts";
import styles from "./AccountForm.module.css";
import { type Account, AccountFragment, type Provider } from "./AccountsQuery";
import { draftOf, inputOf, pricesOf } from "./accountDraft";
import { RoutingFields } from "./RoutingFields";
import { SettingField } from "./SettingField";

export const ConfigureAccount = graphql(
  `
    mutation ConfigureAccount($input: AccountInput!, $idempotencyKey: String) {
      configureAccount(input: $input, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        account {
          ...Account
        }
      }
    }
  `,
  [AccountFragment],
);

interface AccountFormProps {
  provider: Provider;
  /** The account that is changed; without it, the form makes a new one. */
  account?: Account;
  onSaved: (name: string) => void;
}

/** Sets up an account: its fields are the provider's own description. */
export function AccountForm({ provider, account, onSaved }: AccountFormProps) {
  const [draft, setDraft] = useState(() => draftOf(account));
  const { run, running, refusal, problem } = useAction(ConfigureAccount);
  const needed = provider.settings.filter((setting) => setting.required);
  const others = provider.settings.filter((setting) => !setting.required);
  const pricesError = pricesOf(draft.prices) ? undefined : t("accounts.pricesWrong");
  const fieldError = (name: string) => (refusal?.field === name ? refusal.message : undefined);
  const placed = ["name", ...provider.settings.map(placeOf)];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (pricesError) return;
    const saved = await run({ input: inputOf(draft, provider) });
    if (!saved) return;
    setDraft((before) => ({ ...before, secrets: {} }));
    onSaved(draft.name.trim());
  };

  const field = (setting: Provider["settings"][number]) => {
    const kind = setting.secret ? "secrets" : "settings";
    return (
      <SettingField
        key={setting.name}
        setting={setting}
        value={draft[kind][setting.name] ?? ""}
        isStored={account?.secrets.includes(setting.name) ?? false}
        error={fieldError(placeOf(setting))}
        onChange={(value) => setDraft({ ...draft, [kind]: { ...draft[kind], [setting.name]: value } })}
      />
    );
  };

  return (
    <form className={styles.form} onSubmit={submit}>
      <Panel title={t("accounts.required")} hint={t("accounts.requiredHint", { provider: provider.title })}>
        <div className={styles.grid}>
          {account ? null : (
            <Input
              label={t("accounts.name")}
              hint={t("accounts.nameHint")}
              error={fieldError("name")}
              required
              pattern="[A-Za-z0-9_\-]{1,64}"
              value={draft.name}
              onChange={(event) => setDraft({ ...draft, name: event.target.value })}
            />
          )}
          {needed.map(field)}
        </div>
        <details className={styles.others} open={others.some(({ name }) => draft.settings[name])}>
          <summary>{t("accounts.others", { count: others.length })}</summary>
          <div className={styles.grid}>{others.map(field)}</div>
        </details>
      </Panel>
      <RoutingFields draft={draft} onChange={setDraft} pricesError={pricesError} />
      <Failure refusal={refusal?.field && placed.includes(refusal.field) ? undefined : refusal} problem={problem} />
      <div className={styles.actions}>
        <Button type="submit" kind="primary" busy={running}>
          {t(account ? "accounts.save" : "accounts.setUp")}
        </Button>
      </div>
    </form>
  );
}

/** How the API names a setting in a refusal. */
const placeOf = ({ name, secret }: { name: string; secret: boolean }) => `${secret ? "secrets" : "settings"}.${name}`;
