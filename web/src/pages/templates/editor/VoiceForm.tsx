import { Plus, X } from "lucide-react";
import { Button, IconButton } from "../../../components/Button";
import { Input, Select, Textarea } from "../../../components/Field";
import { t } from "../../../texts";
import type { VoiceTexts } from "../draft/draft";
import { errorAt, type FormProps } from "./ContentForm";
import styles from "./ContentForm.module.css";
import { FieldPlace } from "./FieldPlace";

type Step = VoiceTexts["steps"][number];
type Key = NonNullable<VoiceTexts["keys"]>[number];

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;

/** The script of a call: what it says, where it pauses, and what its keys mean. */
export function VoiceForm({ texts, onChange, findings, target, isReadOnly }: FormProps<VoiceTexts>) {
  const keys = texts.keys ?? [];
  const setStep = (at: number, step: Step | undefined) =>
    onChange({ ...texts, steps: texts.steps.flatMap((one, index) => (index === at ? (step ?? []) : one)) });
  const setKey = (at: number, key: Key | undefined) =>
    onChange({ ...texts, keys: keys.flatMap((one, index) => (index === at ? (key ?? []) : one)) });
  const free = DIGITS.find((digit) => !keys.some((key) => key.digit === Number(digit)));
  return (
    <>
      <div className={styles.pair}>
        <FieldPlace name="language" target={target}>
          <Input
            label={t("templates.voiceLanguage")}
            readOnly={isReadOnly}
            value={texts.language}
            error={errorAt(findings, "language")}
            onChange={(event) => onChange({ ...texts, language: event.target.value })}
          />
        </FieldPlace>
        <Input
          label={t("templates.voice")}
          readOnly={isReadOnly}
          value={texts.voice ?? ""}
          onChange={(event) => onChange({ ...texts, voice: event.target.value || null })}
        />
        <Select
          label={t("templates.machine")}
          disabled={isReadOnly}
          value={texts.machine ?? ""}
          options={[
            { value: "", label: t("templates.machines.none") },
            { value: "LEAVE_MESSAGE", label: t("templates.machines.LEAVE_MESSAGE") },
            { value: "HANG_UP", label: t("templates.machines.HANG_UP") },
          ]}
          onChange={(machine) => onChange({ ...texts, machine: machine || null })}
        />
      </div>
      <FieldPlace name="steps" target={target}>
        <fieldset className={styles.group} disabled={isReadOnly}>
          <legend>{t("templates.steps")}</legend>
          {texts.steps.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: steps have no other identity than their place
            <div key={index} className={styles.row}>
              {step.say === null || step.say === undefined ? (
                <Input
                  label={t("templates.pause")}
                  type="number"
                  min={1}
                  max={60}
                  value={step.pauseSeconds ?? ""}
                  onChange={(event) => setStep(index, { pauseSeconds: Number(event.target.value) || 1 })}
                />
              ) : (
                <Textarea
                  label={t("templates.say", { step: index + 1 })}
                  dir="auto"
                  rows={2}
                  value={step.say}
                  onChange={(event) => setStep(index, { say: event.target.value })}
                />
              )}
              <IconButton
                label={t("templates.removeStep", { step: index + 1 })}
                icon={<X />}
                onClick={() => setStep(index, undefined)}
              />
            </div>
          ))}
          <div>
            <Button
              kind="quiet"
              icon={<Plus aria-hidden="true" />}
              onClick={() => onChange({ ...texts, steps: [...texts.steps, { say: "" }] })}
            >
              {t("templates.addWords")}
            </Button>
            <Button
              kind="quiet"
              icon={<Plus aria-hidden="true" />}
              onClick={() => onChange({ ...texts, steps: [...texts.steps, { pauseSeconds: 1 }] })}
            >
              {t("templates.addPause")}
            </Button>
          </div>
        </fieldset>
      </FieldPlace>
      <FieldPlace name="keys" target={target}>
        <fieldset className={styles.group} disabled={isReadOnly}>
          <legend>{t("templates.keys")}</legend>
          {keys.map((key, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a key's digit changes while one edits it
            <div key={index} className={styles.pair}>
              <Select
                label={t("templates.digit")}
                value={DIGITS[key.digit] ?? "0"}
                options={DIGITS.map((digit) => ({ value: digit, label: digit }))}
                onChange={(digit) => setKey(index, { ...key, digit: Number(digit) })}
              />
              <Select
                label={t("templates.meaning")}
                value={key.meaning}
                options={[
                  { value: "ANSWER", label: t("templates.meanings.ANSWER") },
                  { value: "OPT_OUT", label: t("templates.meanings.OPT_OUT") },
                ]}
                onChange={(meaning) => setKey(index, { ...key, meaning })}
              />
              <div className={styles.row}>
                <Input
                  label={t("templates.keySays")}
                  dir="auto"
                  value={key.say}
                  onChange={(event) => setKey(index, { ...key, say: event.target.value })}
                />
                <IconButton
                  label={t("templates.removeKey", { digit: key.digit })}
                  icon={<X />}
                  onClick={() => setKey(index, undefined)}
                />
              </div>
            </div>
          ))}
          {free ? (
            <div>
              <Button
                kind="quiet"
                icon={<Plus aria-hidden="true" />}
                onClick={() =>
                  onChange({ ...texts, keys: [...keys, { digit: Number(free), meaning: "ANSWER", say: "" }] })
                }
              >
                {t("templates.addKey")}
              </Button>
            </div>
          ) : null}
        </fieldset>
      </FieldPlace>
    </>
  );
}
