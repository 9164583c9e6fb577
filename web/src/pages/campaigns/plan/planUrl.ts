import { oneOf, optional, urlState } from "../../../url/urlState";

export const STEPS = ["basics", "audience", "content", "schedule", "limits", "review"] as const;
export type Step = (typeof STEPS)[number];

export const planUrl = urlState({
  step: oneOf(STEPS, "basics"),
  /** What was written before the first save. */
  plan: optional(),
});

/** The steps that a campaign needs before it can be kept by the server. */
export const NEEDED = ["basics", "audience", "content"] as const satisfies readonly Step[];

/** The step that a refused field stands in. */
export function stepOf(field: string | null): Step | undefined {
  const [first] = (field ?? "").split(".");
  switch (first) {
    case "name":
    case "topic":
    case "channel":
    case "fallbacks":
      return "basics";
    case "audience":
      return "audience";
    case "template":
    case "version":
    case "variables":
    case "experiment":
      return "content";
    case "start":
    case "schedule":
    case "spreadMinutes":
    case "stopAfterMinutes":
      return "schedule";
    case "rate":
    case "seasons":
    case "budget":
    case "thresholds":
      return "limits";
    default:
      return undefined;
  }
}
