import { type AnyTexts, type Content, channelOf, type Draft } from "../draft/draft";
import { SAMPLE } from "../starter/sample.gen";

/** What the server knows of a customer by itself. */
export const CUSTOMER_NAMES = ["customer", "customer_name", "last_order_date", "territory", "rep_name"];
/** What an example customer has of these. */
export const EXAMPLE_CUSTOMER = Object.fromEntries(
  Object.entries(SAMPLE).filter(([name]) => CUSTOMER_NAMES.includes(name)),
);
/** What each message gets. */
export const MESSAGE_NAMES = ["unsubscribe_url", "preferences_url"];

/** Values for a preview: those of the URL, else examples; undefined for a text that is no JSON object. */
export function valuesOf(json: string | undefined): Record<string, unknown> | undefined {
  if (json === undefined) return SAMPLE;
  try {
    const values: unknown = JSON.parse(json);
    const isObject = typeof values === "object" && values !== null && !Array.isArray(values);
    return isObject ? (values as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Given values precede those of a customer: as somebody, only what the customer does not have is given. */
export function valuesFor(values: Record<string, unknown>, isCustomer: boolean): Record<string, unknown> {
  if (!isCustomer) return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !CUSTOMER_NAMES.includes(name)));
}

/** The template to preview. A partial is shown inside the least that a mail needs around it. */
export function previewed(draft: Draft, content: Content): Draft {
  const { email }: AnyTexts = content.texts;
  if (draft.kind !== "PARTIAL" || channelOf(content) !== "EMAIL" || !email) return draft;
  const isHead = /^\s*<mj-(?:head|attributes|style|font|preview|title)\b/.test(email.source);
  const head = /^\s*<mj-head\b/.test(email.source) ? email.source : `<mj-head>${email.source}</mj-head>`;
  const mjml = isHead ? `<mjml>${head}<mj-body></mj-body></mjml>` : `<mjml><mj-body>${email.source}</mj-body></mjml>`;
  const source = email.markup === "MJML" ? mjml : email.source;
  return {
    ...draft,
    kind: "MESSAGE",
    contents: [{ locale: content.locale, texts: { email: { ...email, subject: draft.title || draft.code, source } } }],
    defaultLocale: content.locale,
  };
}

/** The place that a refusal names: "source, line 3, column 7: …". */
export function placeIn(message: string): { field: string; line: number; column: number; words: string } | undefined {
  const [, field, line, column, words] = /^([\w.[\]]+), line (\d+), column (\d+): ([\s\S]*)$/.exec(message) ?? [];
  if (!field || !line || !column) return undefined;
  return { field, line: Number(line), column: Number(column), words: words ?? "" };
}
