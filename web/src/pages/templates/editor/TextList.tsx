import { ChannelIcon } from "../../../components/Status";
import { t } from "../../../texts";
import { channelOf, type Draft, inOrder, keyOf } from "../draft/draft";
import type { Finding } from "../draft/useLint";
import styles from "./TextList.module.css";

interface TextListProps {
  draft: Draft;
  chosen?: string;
  findings: readonly Finding[];
  onChoose: (key: string) => void;
}

/** Each channel's texts by locale; a dot marks what has mistakes. */
export function TextList({ draft, chosen, findings, onChoose }: TextListProps) {
  return (
    <ul className={styles.list} aria-label={t("templates.texts")}>
      {inOrder(draft).map((content) => {
        const key = keyOf(content);
        const channel = channelOf(content);
        const own = findings.filter((finding) => finding.channel === channel && finding.locale === content.locale);
        const level = own.some((finding) => finding.level === "ERROR")
          ? "error"
          : own.length > 0
            ? "warning"
            : undefined;
        return (
          <li key={key}>
            <button
              type="button"
              aria-current={key === chosen ? "true" : undefined}
              className={styles.text}
              onClick={() => onChoose(key)}
            >
              <ChannelIcon channel={channel} />
              <span>{t(`channel.${channel}`)}</span>
              <span className={styles.locale}>
                {content.locale}
                {content.locale === draft.defaultLocale ? <span title={t("templates.isDefault")}> *</span> : null}
              </span>
              {level ? (
                <span
                  className={styles[level]}
                  role="img"
                  aria-label={t(`templates.has.${level}`)}
                  title={t(`templates.has.${level}`)}
                />
              ) : null}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
