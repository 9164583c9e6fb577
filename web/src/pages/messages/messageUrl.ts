import { oneOf, urlState } from "../../url/urlState";

export const messageUrl = urlState({
  /** How the content is shown, where there is a mail and a text. */
  view: oneOf(["mail", "text"], "mail"),
});
