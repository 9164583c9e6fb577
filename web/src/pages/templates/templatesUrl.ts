import { CHANNELS } from "../../components/Status";
import { flag, oneOf, optional, optionalOneOf, text, urlState } from "../../url/urlState";

export const STATES = ["DRAFT", "CHANGED", "PUBLISHED"] as const;

export const templatesUrl = urlState({
  search: text(),
  channel: optionalOneOf(CHANNELS),
  state: optionalOneOf(STATES),
  kind: optionalOneOf(["MESSAGE", "PARTIAL"]),
  archived: flag(),
});

export const templateUrl = urlState({
  tab: oneOf(["write", "settings", "versions"], "write"),
  /** The text that is edited, such as `EMAIL.de-AT`. */
  text: optional(),
  /** What is shown where only one fits. */
  part: oneOf(["text", "preview"], "text"),
  /** The customer as whom the preview is shown, as UUID. */
  customer: optional(),
  /** The locale asked for, which may fall back to another. */
  locale: optional(),
  width: oneOf(["desktop", "phone"], "desktop"),
  look: oneOf(["page", "plain"], "page"),
  /** Values for the preview, as JSON. */
  values: optional(),
  /** The versions side by side: `draft` or a number. */
  old: optional(),
  new: optional(),
});

export type TemplateState = ReturnType<typeof templateUrl.parse>;
