import { t } from "../../../texts";
import type { FunnelStep } from "../parts/Funnel";
import { reasonText } from "../parts/names";

interface Outcome {
  outcome: string;
  customers: number;
  refusal: string | null;
}

interface DryRun {
  audience: number;
  excluded: number;
  suppressed: number;
  outcomes: readonly Outcome[];
}

/** The reasons for which somebody is left out before any rule is asked. Codes of refusals are written in capitals. */
const LEFT_OUT = ["list", "hold_out", "duplicate_person", "duplicate_address", "forgotten"];
const isLeftOut = (outcome: string): boolean => LEFT_OUT.includes(outcome) || /^[A-Z]/.test(outcome);

/** Audience, then who is left out, then whom a rule stops, then what is sent later and now. */
export function stepsOf(dryRun: DryRun): FunnelStep[] {
  const losses = (of: (outcome: string) => boolean): FunnelStep[] =>
    dryRun.outcomes
      .filter(({ outcome }) => outcome !== "queued" && outcome !== "held" && of(outcome))
      .toSorted((a, b) => b.customers - a.customers)
      .map(({ outcome, customers, refusal }) => ({
        id: outcome,
        kind: "loss",
        label: reasonText(outcome),
        count: customers,
        note: refusal ?? undefined,
      }));
  const result = (outcome: "queued" | "held"): FunnelStep => ({
    id: outcome,
    kind: "result",
    label: t(`dryRun.step.${outcome}`),
    count: dryRun.outcomes.find((one) => one.outcome === outcome)?.customers ?? 0,
  });
  const recipients = dryRun.audience - dryRun.excluded;
  const steps: FunnelStep[] = [
    { id: "audience", kind: "whole", label: t("dryRun.step.audience"), count: dryRun.audience },
    ...losses(isLeftOut),
    { id: "recipients", kind: "whole", label: t("dryRun.step.recipients"), count: recipients },
    ...losses((outcome) => !isLeftOut(outcome)),
    result("held"),
    result("queued"),
  ];
  // Nobody held is nothing to look at; nobody queued is.
  return steps.filter((step) => step.count > 0 || step.id === "queued");
}
