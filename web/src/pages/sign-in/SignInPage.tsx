import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { Button } from "../../components/Button";
import { Checkbox, Input, Select } from "../../components/Field";
import { session } from "../../session/session";
import { LANGUAGES, language, loadLanguage, t } from "../../texts";
import { optional, urlState } from "../../url/urlState";
import { useUrlState } from "../../url/useUrlState";
import { keyProblem } from "./keyProblem";
import styles from "./SignInPage.module.css";

const signInUrl = urlState({ next: optional() });

export function SignInPage() {
  const router = useRouter();
  const [url] = useUrlState(signInUrl);
  const [key, setKey] = useState("");
  const [keeps, setKeeps] = useState(true);
  const [isChecking, setIsChecking] = useState(false);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    document.title = `${t("session.signIn")} · commlog`;
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setIsChecking(true);
    const found = await keyProblem(key.trim());
    setIsChecking(false);
    setProblem(found ? t(found) : "");
    if (found) return;
    session.signIn(key.trim(), keeps);
    // Only an address of the console: a link that somebody sent must not lead elsewhere.
    router.history.push(/^\/(?![/\\])/.test(url.next ?? "") ? (url.next ?? "/") : "/");
  };

  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={submit}>
        <div>
          <p className={styles.brand}>commlog</p>
          <h1>{t("session.signIn")}</h1>
        </div>
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
        <Button type="submit" kind="primary" busy={isChecking}>
          {t("session.signIn")}
        </Button>
        <Select
          label={t("language.choose")}
          value={language()}
          options={LANGUAGES.map((one) => ({ value: one, label: t(`language.${one}`) }))}
          onChange={(chosen) => void loadLanguage(chosen)}
        />
      </form>
    </main>
  );
}
