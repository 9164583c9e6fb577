import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/Button";
import { Checkbox, Input } from "../../components/Field";
import { session } from "../../session/session";
import { t } from "../../texts";
import { keyProblem } from "./keyProblem";
import styles from "./SignInPage.module.css";

interface KeyFormProps {
  to: string;
  /** There is another way to sign in, which most people take. */
  isSecond: boolean;
}

export function KeyForm({ to, isSecond }: KeyFormProps) {
  const router = useRouter();
  const [key, setKey] = useState("");
  const [keeps, setKeeps] = useState(true);
  const [isChecking, setIsChecking] = useState(false);
  const [problem, setProblem] = useState("");

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setIsChecking(true);
    const found = await keyProblem(key.trim());
    setIsChecking(false);
    setProblem(found ? t(found) : "");
    if (found) return;
    session.signIn(key.trim(), keeps);
    router.history.push(to);
  };

  return (
    <form className={styles.form} onSubmit={submit}>
      <Input
        label={t("session.key")}
        hint={t("session.keyHint")}
        error={problem || undefined}
        type="password"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        required
        placeholder="clk_…"
        value={key}
        onChange={(event) => setKey(event.target.value)}
      />
      <Checkbox label={t("session.keep")} checked={keeps} onChange={(event) => setKeeps(event.target.checked)} />
      <Button type="submit" kind={isSecond ? "plain" : "primary"} busy={isChecking}>
        {t("session.signIn")}
      </Button>
    </form>
  );
}
