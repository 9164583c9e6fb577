import { Button } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import { type Content, channelOf, type Draft, keyFor, keyOf, replaceContent } from "../draft/draft";
import type { Finding, useLint } from "../draft/useLint";
import { Preview } from "../preview/Preview";
import { templateUrl } from "../templatesUrl";
import { AddText } from "./AddText";
import { ContentForm } from "./ContentForm";
import type { Target } from "./FieldPlace";
import { Findings } from "./Findings";
import { TextList } from "./TextList";
import styles from "./Write.module.css";

interface WriteProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  /** The text that is edited. */
  contentKey?: string;
  lint: ReturnType<typeof useLint>;
  target?: Target;
  onShow: (finding: Pick<Finding, "channel" | "locale" | "field" | "line" | "column">) => void;
  isReadOnly: boolean;
}

/** The texts, the one that is edited, what is wrong in it, and how it looks. */
export function Write({ draft, onChange, contentKey, lint, target, onShow, isReadOnly }: WriteProps) {
  const [url, setUrl] = useUrlState(templateUrl);
  const content = draft.contents.find((one) => keyOf(one) === contentKey);
  const add = (added: Content) => {
    onChange({ ...draft, contents: [...draft.contents, added] });
    setUrl({ text: keyFor(channelOf(added), added.locale) });
  };
  return (
    <div className={styles.write} data-part={url.part}>
      <div className={styles.texts}>
        <TextList draft={draft} chosen={contentKey} findings={lint.findings} onChoose={(text) => setUrl({ text })} />
        {isReadOnly ? null : <AddText draft={draft} onAdd={add} />}
      </div>
      <div className={styles.parts} role="group" aria-label={t("templates.shown")}>
        {(["text", "preview"] as const).map((part) => (
          <Button
            key={part}
            kind={url.part === part ? "plain" : "quiet"}
            aria-pressed={url.part === part}
            onClick={() => setUrl({ part })}
          >
            {t(`templates.part.${part}`)}
          </Button>
        ))}
      </div>
      {content && contentKey ? (
        <>
          <section className={styles.form} aria-label={t("templates.part.text")}>
            <ContentForm
              key={contentKey}
              draft={draft}
              content={content}
              findings={lint.findings}
              target={target}
              isReadOnly={isReadOnly}
              onChange={(changed) => onChange(replaceContent(draft, contentKey, changed))}
              onRemove={() => onChange(replaceContent(draft, contentKey, undefined))}
            />
            <Findings lint={lint} onShow={onShow} />
          </section>
          <section className={styles.preview} aria-label={t("templates.part.preview")}>
            <Preview draft={draft} content={content} onShow={onShow} />
          </section>
        </>
      ) : (
        <div className={styles.none}>
          <Empty title={t("templates.noTexts")}>{t("templates.noTextsHint")}</Empty>
        </div>
      )}
    </div>
  );
}
