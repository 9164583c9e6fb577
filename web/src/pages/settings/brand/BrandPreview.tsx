import type { CSSProperties } from "react";
import { Panel } from "../../../components/Panel";
import { t } from "../../../texts";
import styles from "./BrandPreview.module.css";
import type { Brand } from "./BrandQuery";
import type { BrandDraft, TopicRow } from "./brandDraft";
import { ACCENT, colourOf, inkOn, marksOf } from "./palette";

interface BrandPreviewProps {
  brand: Brand;
  draft: BrandDraft;
  topics: readonly TopicRow[];
}

/** How many topics a preview shows. */
const SHOWN = 3;

/** The preference page with what the form holds, by day and at night. */
export function BrandPreview({ brand, draft, topics }: BrandPreviewProps) {
  const accent = colourOf(draft.accent) ?? ACCENT;
  const banner = colourOf(draft.banner);
  const marks = marksOf(accent);
  // Without a name of its own the tenant's name is shown, which is not known here while the stored brand has another one.
  const name = draft.name.trim() || (brand.name ? t("brand.preview.yourName") : brand.shownName);
  const names = [...new Set(topics.map((row) => row.name.trim()).filter(Boolean))].slice(0, SHOWN);
  const shown = names.length > 0 ? names : [t("brand.preview.topic")];
  return (
    <Panel title={t("brand.preview.title")}>
      <div className={styles.pages} aria-hidden="true">
        {(["day", "night"] as const).map((time) => {
          const colours = {
            "--brand-accent": accent,
            "--brand-on-accent": inkOn(accent),
            "--brand-mark": marks[time],
            ...(banner ? { "--brand-banner": banner, "--brand-on-banner": inkOn(banner) } : {}),
          } as CSSProperties;
          return (
            <div key={time} className={`${styles.page} ${styles[time]}`} style={colours}>
              <div className={banner ? styles.banner : styles.header}>
                {draft.logo ? <img src={draft.logo} alt="" /> : <bdi>{name}</bdi>}
              </div>
              <div className={styles.card}>
                <strong className={styles.title}>{t("brand.preview.heading")}</strong>
                <span>{t("brand.preview.question", { name })}</span>
                {shown.map((topic, index) => (
                  <span key={topic} className={styles.line}>
                    <span className={index === 0 ? styles.checked : styles.box} />
                    <bdi>{topic}</bdi>
                  </span>
                ))}
                <span className={styles.button}>{t("common.save")}</span>
              </div>
              <div className={styles.footer}>
                {draft.imprint.trim() ? <p dir="auto">{draft.imprint}</p> : null}
                {draft.privacyUrl.trim() ? <span className={styles.link}>{t("brand.preview.privacy")}</span> : null}
              </div>
            </div>
          );
        })}
      </div>
      <p className={styles.note}>{t("brand.preview.note")}</p>
    </Panel>
  );
}
