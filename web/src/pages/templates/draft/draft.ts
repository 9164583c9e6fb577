import type { ResultOf, VariablesOf } from "../../../api/graphql";
import { CHANNELS, type Channel } from "../../../components/Status";
import { t } from "../../../texts";
import type { SaveTemplate, TemplateQuery } from "../TemplateQuery";

// The draft of a template as it is edited: what `saveTemplate` takes, without the revision.

export type TemplateInput = VariablesOf<typeof SaveTemplate>["input"];
export type Draft = Omit<TemplateInput, "revision">;
export type Content = Draft["contents"][number];
export type Texts = Content["texts"];
export type SavedTemplate = NonNullable<ResultOf<typeof TemplateQuery>["template"]>;
export type SavedContent = SavedTemplate["contents"][number];

type Names<Union> = Union extends unknown ? keyof Union & string : never;
type TextsOf<Name extends Names<Texts>> = Extract<Texts, Record<Name, unknown>>[Name];

export type EmailTexts = TextsOf<"email">;
export type SmsTexts = TextsOf<"sms">;
export type NotificationTexts = TextsOf<"push">;
export type VoiceTexts = TextsOf<"voice">;
export type WhatsappTexts = TextsOf<"whatsapp">;

/** The texts of a content under the names of all channels: one of them is there. */
export type AnyTexts = { [Name in Names<Texts>]?: TextsOf<Name> };

const FIELDS = {
  EMAIL: "email",
  SMS: "sms",
  WHATSAPP: "whatsapp",
  VOICE: "voice",
  PUSH: "push",
  IN_APP: "inApp",
} as const satisfies Record<Channel, Names<Texts>>;

export function channelOf(content: Content): Channel {
  const texts: AnyTexts = content.texts;
  return CHANNELS.find((channel) => texts[FIELDS[channel]]) ?? "EMAIL";
}

/** Names one text of a template in the URL: `EMAIL.de-AT`. */
export const keyOf = (content: Content): string => `${channelOf(content)}.${content.locale}`;

export const keyFor = (channel: Channel, locale: string): string => `${channel}.${locale}`;

/** The texts by channel, then by locale, the default locale first. */
export function inOrder({ contents, defaultLocale }: Draft): Content[] {
  const rank = (content: Content) =>
    CHANNELS.indexOf(channelOf(content)) * 2 + (content.locale === defaultLocale ? 0 : 1);
  return contents.toSorted((one, other) => rank(one) - rank(other) || one.locale.localeCompare(other.locale, "en"));
}

/** The text that a locale is given: its own, that of its language, or the default. */
export function textFor(draft: Draft, channel: Channel, locale: string): Content | undefined {
  const own = draft.contents.filter((content) => channelOf(content) === channel);
  const wanted = [locale, locale.split("-", 1)[0], draft.defaultLocale];
  return wanted.map((one) => own.find((content) => content.locale === one)).find(Boolean) ?? own[0];
}

/** What is saved, as it is sent when it is saved again. */
export function contentOf(saved: SavedContent): Content {
  const { locale, email, sms, push, inApp, voice, whatsapp } = saved;
  if (email) return { locale, texts: { email } };
  if (sms) return { locale, texts: { sms } };
  if (push) return { locale, texts: { push } };
  if (inApp) return { locale, texts: { inApp } };
  if (voice) return { locale, texts: { voice } };
  if (whatsapp) return { locale, texts: { whatsapp } };
  return { locale, texts: { sms: { body: "" } } };
}

export const draftOf = (saved: SavedTemplate): Draft => ({
  code: saved.code,
  title: saved.title,
  kind: saved.kind,
  class: saved.class,
  defaultLocale: saved.defaultLocale,
  variables: saved.variables,
  contents: saved.contents.map(contentOf),
});

export function replaceContent(draft: Draft, key: string, content: Content | undefined): Draft {
  const contents = draft.contents.flatMap((one) => (keyOf(one) === key ? (content ?? []) : one));
  return { ...draft, contents };
}

/** The first text of a channel in a locale: that of another locale as a start, or what is needed at least. */
export function newContent(draft: Draft, channel: Channel, locale: string): Content {
  const other = textFor(draft, channel, locale);
  return { locale, texts: other ? structuredClone(other.texts) : firstTexts(channel, locale, draft) };
}

/** What a text begins with: the server takes no draft with a blank one. */
export function firstTexts(channel: Channel, locale: string, { code, title }: Pick<Draft, "code" | "title">): Texts {
  const words = t("templates.firstWords");
  switch (channel) {
    case "EMAIL":
      return { email: { markup: "MJML", subject: title, preheader: null, source: firstLayout(words), text: null } };
    case "SMS":
      return { sms: { body: words } };
    case "PUSH":
      return { push: { title, body: words, link: null } };
    case "IN_APP":
      return { inApp: { title, body: words, link: null } };
    case "VOICE":
      return { voice: { language: locale, voice: null, machine: null, steps: [{ say: words }], keys: [] } };
    case "WHATSAPP":
      return {
        whatsapp: {
          providerTemplate: code.replaceAll("-", "_"),
          language: locale.replace("-", "_"),
          approval: "DRAFT",
          variables: [],
          body: words,
        },
      };
  }
}

const firstLayout = (words: string): string => `<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text>${words}</mj-text>
        <mj-text><a href="{{ unsubscribe_url }}">${t("templates.unsubscribe")}</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>`;

/** The partials that a text includes. */
export function includedBy(texts: string): string[] {
  return [...new Set([...texts.matchAll(/{%-?\s*include\s+['"]([\w-]+)['"]/g)].map(([, code]) => code ?? ""))];
}

/** The names that texts ask for, such as `customer_name` of `{{ customer_name | default: "you" }}`. */
export function namesAskedFor(texts: string): string[] {
  const local = new Set(
    [...texts.matchAll(/{%-?\s*(?:for|assign|capture|tablerow)\s+(\w+)/g)].map(([, name]) => name ?? ""),
  );
  const outputs = [...texts.matchAll(/{{-?\s*([A-Za-z_]\w*)/g)].map(([, name]) => name ?? "");
  const looped = [...texts.matchAll(/{%-?\s*for\s+\w+\s+in\s+([A-Za-z_]\w*)/g)].map(([, name]) => name ?? "");
  const tested = [...texts.matchAll(/{%-?\s*(?:if|elsif|unless|case)\s+([A-Za-z_]\w*)/g)].map(([, name]) => name ?? "");
  const names = [...outputs, ...looped, ...tested].filter(
    (name) => !local.has(name) && !["forloop", "true", "false"].includes(name),
  );
  return [...new Set(names)].toSorted();
}

/** All texts of a content in one. */
export const wordsOf = (content: Content): string => JSON.stringify(content.texts).replaceAll('\\"', '"');
