import { t } from "../../../texts";
import { date, dateTime } from "../../../texts/format";
import type { Plan } from "../plan/draft";
import { startKind } from "../plan/draft";

/** When a campaign starts, in words. */
export function startText(start: Plan["start"]): string {
  const time = start.localTime?.slice(0, 5) ?? "";
  const day = start.localDate ? date(`${start.localDate}T00:00`) : "";
  switch (startKind(start)) {
    case "now":
      return t("plan.startText.now");
    case "at":
      return t("plan.startText.at", { at: dateTime(start.at ?? "") });
    case "local":
      return t("plan.startText.local", { day, time });
    case "best":
      return t("plan.startText.best", { day, time });
    case "recurring":
      return t("plan.startText.recurring", { cron: start.cron ?? "", zone: start.zone ?? "" });
  }
}
