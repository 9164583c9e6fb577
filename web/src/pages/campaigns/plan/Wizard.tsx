import { type ReactNode, useEffect, useRef } from "react";
import type { Problem } from "../../../api/problem";
import type { Refusal } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Skeleton } from "../../../components/Skeleton";
import { useChosenInSight } from "../../../components/useChosenInSight";
import { t } from "../../../texts";
import type { Choices } from "./ChoicesQuery";
import type { Draft } from "./draft";
import { STEPS, type Step } from "./planUrl";
import { AudienceStep } from "./steps/AudienceStep";
import { BasicsStep } from "./steps/BasicsStep";
import { ContentStep } from "./steps/ContentStep";
import { LimitsStep } from "./steps/LimitsStep";
import { ScheduleStep } from "./steps/ScheduleStep";
import styles from "./Wizard.module.css";

export interface StepProps {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  choices: Choices;
  /** The message for a field of the API's input, if it was refused. */
  errorAt: (field: string) => string | undefined;
}

interface WizardProps extends Omit<StepProps, "choices" | "errorAt"> {
  choices: Choices | undefined;
  step: Step;
  /** The steps that can be gone to. */
  open: readonly Step[];
  onStep: (step: Step) => void;
  /** A field was left. */
  onLeave?: () => void;
  /** Keeps the draft and goes on; the page decides where. */
  onContinue: () => void;
  isSaving: boolean;
  refusal?: Refusal;
  problem?: Problem;
  /** The last step, which shows the plan as the server has it. */
  review: ReactNode;
}

const FORMS = {
  basics: BasicsStep,
  audience: AudienceStep,
  content: ContentStep,
  schedule: ScheduleStep,
  limits: LimitsStep,
} as const;

/** A plan step by step; which one is in the URL. */
export function Wizard(props: WizardProps) {
  const { step, open, onStep, choices, refusal } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(step);
  // A new step begins where it says what it is about.
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus();
    shown.current = step;
  }, [step]);
  const row = useChosenInSight<HTMLElement>(step);
  const index = STEPS.indexOf(step);
  const before = STEPS[index - 1];
  const Form = step === "review" ? undefined : FORMS[step];
  const errorAt = (field: string) => (refusal?.field?.startsWith(field) ? refusal.message : undefined);

  return (
    <div className={styles.wizard}>
      <nav ref={row} aria-label={t("plan.steps")} className={styles.steps}>
        <ol>
          {STEPS.map((one, position) => (
            <li key={one}>
              <button
                type="button"
                aria-current={one === step ? "step" : undefined}
                disabled={!open.includes(one)}
                onClick={() => onStep(one)}
              >
                <span className={styles.number} aria-hidden="true">
                  {position + 1}
                </span>
                {t(`plan.step.${one}`)}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <form
        className={styles.form}
        noValidate
        onBlur={props.onLeave}
        onSubmit={(event) => {
          event.preventDefault();
          props.onContinue();
        }}
      >
        <div className={styles.head}>
          <h2 ref={heading} tabIndex={-1}>
            {t(`plan.step.${step}`)}
          </h2>
          <p>{t(`plan.stepHint.${step}`)}</p>
        </div>
        <Failure refusal={refusal} problem={props.problem} />
        {Form ? (
          choices ? (
            <Form draft={props.draft} change={props.change} choices={choices} errorAt={errorAt} />
          ) : (
            <Skeleton lines={8} />
          )
        ) : (
          props.review
        )}
        {Form ? (
          <div className={styles.actions}>
            {before ? <Button onClick={() => onStep(before)}>{t("plan.back")}</Button> : null}
            <Button type="submit" kind="primary" busy={props.isSaving}>
              {t("plan.continue")}
            </Button>
          </div>
        ) : null}
      </form>
    </div>
  );
}
