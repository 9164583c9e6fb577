import { Trash2 } from "lucide-react";
import { IconButton } from "../../../components/Button";
import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { type AnyTexts, type Content, channelOf, type Draft, type Texts } from "../draft/draft";
import type { Finding } from "../draft/useLint";
import styles from "./ContentForm.module.css";
import { EmailForm } from "./EmailForm";
import type { Target } from "./FieldPlace";
import { NotificationForm, SmsForm } from "./ShortForms";
import { VoiceForm } from "./VoiceForm";
import { WhatsappForm } from "./WhatsappForm";

interface ContentFormProps {
  draft: Draft;
  content: Content;
  findings: readonly Finding[];
  target?: Target;
  isReadOnly: boolean;
  onChange: (content: Content) => void;
  onRemove: () => void;
}

/** What each form of a channel gets. */
export interface FormProps<OfChannel> {
  texts: OfChannel;
  onChange: (texts: OfChannel) => void;
  findings: readonly Finding[];
  target?: Target;
  isReadOnly: boolean;
}

/** The fields of one text, by its channel. */
export function ContentForm({ draft, content, findings, isReadOnly, onChange, onRemove, ...rest }: ContentFormProps) {
  const channel = channelOf(content);
  const own = findings.filter(
    (finding) => finding.channel === channel && finding.locale === content.locale && finding.partial === null,
  );
  const set = (texts: Texts) => onChange({ ...content, texts });
  const props = { findings: own, isReadOnly, ...rest };
  const { email, sms, push, inApp, voice, whatsapp }: AnyTexts = content.texts;
  const language = content.locale.split("-", 1)[0] ?? content.locale;
  const falls = [content.locale, language].filter((one, index, all) => all.indexOf(one) === index);
  return (
    <div className={styles.form}>
      <header className={styles.head}>
        <h2>
          <ChannelName channel={channel} /> {content.locale}
        </h2>
        <span className={styles.hint}>
          {content.locale === draft.defaultLocale
            ? t("templates.isDefault")
            : t("templates.isFor", { locales: falls[0] === language ? `${language}, ${language}-…` : content.locale })}
        </span>
        {isReadOnly ? null : (
          <span className={styles.remove}>
            <IconButton
              label={t("templates.removeText")}
              icon={<Trash2 />}
              disabled={draft.contents.length === 1}
              onClick={onRemove}
            />
          </span>
        )}
      </header>
      {email ? (
        <EmailForm
          {...props}
          texts={email}
          isPartial={draft.kind === "PARTIAL"}
          onChange={(texts) => set({ email: texts })}
        />
      ) : null}
      {sms ? <SmsForm {...props} texts={sms} onChange={(texts) => set({ sms: texts })} /> : null}
      {push ? <NotificationForm {...props} texts={push} onChange={(texts) => set({ push: texts })} /> : null}
      {inApp ? <NotificationForm {...props} texts={inApp} onChange={(texts) => set({ inApp: texts })} /> : null}
      {voice ? <VoiceForm {...props} texts={voice} onChange={(texts) => set({ voice: texts })} /> : null}
      {whatsapp ? <WhatsappForm {...props} texts={whatsapp} onChange={(texts) => set({ whatsapp: texts })} /> : null}
    </div>
  );
}

/** The first finding of a field, to show there. */
export const errorAt = (findings: readonly Finding[], field: string): string | undefined =>
  findings.find(
    (finding) => finding.level === "ERROR" && (finding.field === field || finding.field.startsWith(`${field}[`)),
  )?.message;
