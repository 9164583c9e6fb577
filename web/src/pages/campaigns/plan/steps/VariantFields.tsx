import { Plus, X } from "lucide-react";
import { Button, IconButton } from "../../../../components/Button";
import { Checkbox, Input, Select } from "../../../../components/Field";
import { t } from "../../../../texts";
import type { TemplateChoice } from "../ChoicesQuery";
import { type Draft, type DraftVariant, WINNER_METRICS } from "../draft";
import { addedVariant } from "../variants";
import styles from "./steps.module.css";
import { TemplateSelect } from "./TemplateSelect";

interface VariantFieldsProps {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  templates: readonly TemplateChoice[];
  error?: string;
}

const MOST = 8;

/** Up to eight texts with their shares, and how a winner is found. */
export function VariantFields({ draft, change, templates, error }: VariantFieldsProps) {
  const { variants } = draft;
  const changeOne = (index: number, changes: Partial<DraftVariant>) =>
    change({ variants: variants.map((one, at) => (at === index ? { ...one, ...changes } : one)) });
  const total = variants.reduce((whole, one) => whole + Number(one.share), 0);
  return (
    <fieldset className={styles.group}>
      <legend>{t("plan.variants")}</legend>
      <p className={styles.hint}>{t("plan.variantsHint")}</p>
      {variants.map((variant, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: names change while they are typed
        <div key={index} className={styles.line}>
          <Input
            label={t("campaign.variant")}
            value={variant.name}
            onChange={(event) => changeOne(index, { name: event.target.value })}
          />
          <Input
            label={t("plan.share")}
            type="number"
            min={0}
            max={100}
            step="0.01"
            value={variant.share}
            onChange={(event) => changeOne(index, { share: event.target.value })}
          />
          <TemplateSelect
            templates={templates}
            value={variant.template}
            none={t("plan.sameTemplate")}
            onChange={(template) => changeOne(index, { template, version: null })}
          />
          <IconButton
            label={t("plan.removeVariant", { variant: variant.name })}
            icon={<X />}
            onClick={() => change({ variants: variants.length <= 2 ? [] : variants.filter((_, at) => at !== index) })}
          />
        </div>
      ))}
      {variants.length > 0 && total !== 100 ? (
        <p className={styles.error} role="alert">
          {t("plan.sharesWrong", { total: String(total) })}
        </p>
      ) : error ? (
        <p className={styles.error}>{error}</p>
      ) : null}
      <div className={styles.actions}>
        <Button
          icon={<Plus />}
          disabled={variants.length >= MOST}
          onClick={() => change({ variants: addedVariant(variants, draft.template) })}
        >
          {t(variants.length === 0 ? "plan.compare" : "plan.addVariant")}
        </Button>
      </div>
      {variants.length > 1 ? <WinnerFields draft={draft} change={change} /> : null}
    </fieldset>
  );
}

function WinnerFields({ draft, change }: Pick<VariantFieldsProps, "draft" | "change">) {
  const isTested = draft.test !== "";
  return (
    <>
      <Checkbox
        label={t("plan.findWinner")}
        checked={isTested}
        onChange={(event) => change({ test: event.target.checked ? "20" : "" })}
      />
      {isTested ? (
        <>
          <div className={styles.row}>
            <Input
              label={t("plan.testShare")}
              type="number"
              min={1}
              max={99}
              value={draft.test}
              onChange={(event) => change({ test: event.target.value })}
            />
            <Select
              label={t("plan.winnerBy")}
              value={draft.winnerMetric}
              options={WINNER_METRICS.map((metric) => ({ value: metric, label: t(`comparison.metrics.${metric}`) }))}
              onChange={(winnerMetric) => change({ winnerMetric })}
            />
            <Input
              label={t("plan.waitMinutes")}
              type="number"
              min={1}
              max={43_200}
              value={draft.waitMinutes}
              onChange={(event) => change({ waitMinutes: event.target.value })}
            />
          </div>
          <Checkbox
            label={t("plan.asks")}
            checked={draft.asks}
            onChange={(event) => change({ asks: event.target.checked })}
          />
        </>
      ) : null}
    </>
  );
}
