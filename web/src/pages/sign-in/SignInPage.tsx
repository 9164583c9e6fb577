import { useEffect, useState } from "react";
import { Failure } from "../../components/Failure";
import { Select } from "../../components/Field";
import { serverSession, signInAddress } from "../../session/session";
import { LANGUAGES, language, loadLanguage, t } from "../../texts";
import { useUrlState } from "../../url/useUrlState";
import { KeyForm } from "./KeyForm";
import styles from "./SignInPage.module.css";
import { safeAddress, signInUrl } from "./signInUrl";

export function SignInPage() {
  const [url] = useUrlState(signInUrl);
  const [hasIssuer, setHasIssuer] = useState(false);
  const to = safeAddress(url.next);

  useEffect(() => {
    document.title = `${t("session.signIn")} · commlog`;
    let isShown = true;
    void serverSession().then((said) => {
      if (isShown) setHasIssuer(said.openIdConnect);
    });
    return () => {
      isShown = false;
    };
  }, []);

  return (
    <main className={styles.page}>
      <div className={styles.panel}>
        <div>
          <p className={styles.brand}>commlog</p>
          <h1>{t("session.signIn")}</h1>
        </div>
        {url.problem ? <Failure problem={{ message: t(`session.problem.${url.problem}`) }} /> : null}
        {hasIssuer ? (
          <>
            {/* The server leads to the issuer: this is not a page of the router. */}
            <a href={signInAddress(to)} className={styles.issuer}>
              {t("session.withIssuer")}
            </a>
            <p className={styles.or}>{t("session.or")}</p>
          </>
        ) : null}
        <KeyForm to={to} isSecond={hasIssuer} />
        <Select
          label={t("language.choose")}
          value={language()}
          options={LANGUAGES.map((one) => ({ value: one, label: t(`language.${one}`) }))}
          onChange={(chosen) => void loadLanguage(chosen)}
        />
      </div>
    </main>
  );
}
