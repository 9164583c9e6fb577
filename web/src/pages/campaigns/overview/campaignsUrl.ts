import { oneOf, optional, optionalOneOf, text, urlState } from "../../../url/urlState";
import { STATES } from "../parts/CampaignStatus";

export const campaignsUrl = urlState({
  view: oneOf(["table", "calendar"], "table"),
  search: text(),
  state: optionalOneOf(STATES),
  /** Of the calendar, such as 2026-12; by default the present one. */
  month: optional(),
});
