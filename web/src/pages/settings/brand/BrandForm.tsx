import { Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Input, Select, Textarea } from "../../../components/Field";
import { Panel } from "../../../components/Panel";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";
import policy from "../policy/PolicyPage.module.css";
import { useRows } from "../policy/useRows";
import styles from "./BrandForm.module.css";
import { BrandPreview } from "./BrandPreview";
import { type Brand, type PageLanguage, UpdateBrand } from "./BrandQuery";
import { changesOf, draftOf, type TopicRow } from "./brandDraft";
import { ColourField } from "./ColourField";
import { LogoField } from "./LogoField";
import { ACCENT, colourOf, marksOf } from "./palette";

const LANGUAGES = ["ENGLISH", "GERMAN"] as const satisfies readonly PageLanguage[];
/** The fields beside which their refusals are shown. */
const PLACED = ["name", "accent", "banner", "logo", "imprint", "privacyUrl"];

export function BrandForm({ brand, onSaved }: { brand: Brand; onSaved: () => void }) {
  const { run, running, refusal, problem } = useAction(UpdateBrand);
  const [draft, setDraft] = useState(() => draftOf(brand));
  const rows = useRows<TopicRow>(brand.topics);
  const changes = changesOf(brand, draft, rows.values);
  const isChanged = Object.keys(changes).length > 0;
  const refused = (field: string) => (refusal?.field === field ? refusal.message : undefined);
  const set = (fields: Partial<typeof draft>) => setDraft({ ...draft, ...fields });
  const languages = LANGUAGES.map((value) => ({ value, label: t(`brand.languages.${value}`) }));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await run({ changes }))) return;
    toast(t("common.saved"));
    onSaved();
  };

  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={styles.sides}>
        <Panel title={t("settings.section.brand")}>
          <div className={policy.form}>
            <Input
              label={t("brand.name")}
              hint={t("brand.nameHint")}
              error={refused("name")}
              placeholder={brand.name ? undefined : brand.shownName}
              maxLength={200}
              value={draft.name}
              onChange={(event) => set({ name: event.target.value })}
            />
            <LogoField logo={draft.logo} error={refused("logo")} onChange={(logo) => set({ logo })} />
            <div className={policy.grid}>
              <ColourField
                label={t("brand.accent")}
                hint={accentHint(draft.accent)}
                error={refused("accent")}
                fallback={ACCENT}
                value={draft.accent}
                onChange={(accent) => set({ accent })}
              />
              <ColourField
                label={t("brand.banner")}
                hint={t("brand.bannerHint")}
                error={refused("banner")}
                fallback="#ffffff"
                value={draft.banner}
                onChange={(banner) => set({ banner })}
              />
            </div>
            <Textarea
              label={t("brand.imprint")}
              hint={t("brand.imprintHint")}
              error={refused("imprint")}
              maxLength={1000}
              rows={3}
              value={draft.imprint}
              onChange={(event) => set({ imprint: event.target.value })}
            />
            <Input
              label={t("brand.privacyUrl")}
              error={refused("privacyUrl")}
              type="url"
              placeholder="https://shop.example/privacy"
              value={draft.privacyUrl}
              onChange={(event) => set({ privacyUrl: event.target.value })}
            />
            <Select
              label={t("brand.language")}
              hint={t("brand.languageHint")}
              value={draft.language}
              options={languages}
              onChange={(language) => set({ language })}
            />
          </div>
        </Panel>
        <BrandPreview brand={brand} draft={draft} topics={rows.values} />
      </div>
      <Panel title={t("brand.topics")} hint={t("brand.topicsHint")}>
        <ul className={policy.rows}>
          {rows.all.map(({ key, value }) => (
            <li key={key} className={policy.row}>
              <Input
                label={t("brand.topic")}
                required
                placeholder="news"
                value={value.topic}
                onChange={(event) => rows.change(key, { topic: event.target.value })}
              />
              <Select
                label={t("brand.topicLanguage")}
                value={value.language ?? "ANY"}
                options={[{ value: "ANY" as const, label: t("brand.anyLanguage") }, ...languages]}
                onChange={(language) => rows.change(key, { language: language === "ANY" ? null : language })}
              />
              <Input
                label={t("brand.topicName")}
                required
                value={value.name}
                onChange={(event) => rows.change(key, { name: event.target.value })}
              />
              <IconButton label={t("common.remove")} icon={<Trash2 />} onClick={() => rows.remove(key)} />
            </li>
          ))}
        </ul>
        <div className={policy.buttons}>
          <Button icon={<Plus aria-hidden="true" />} onClick={() => rows.add({ topic: "", language: null, name: "" })}>
            {t("brand.addTopic")}
          </Button>
        </div>
      </Panel>
      <Failure refusal={refusal?.field && PLACED.includes(refusal.field) ? undefined : refusal} problem={problem} />
      <div className={policy.buttons}>
        <Button type="submit" kind={isChanged ? "primary" : "plain"} busy={running} disabled={!isChanged}>
          {t("common.save")}
        </Button>
      </div>
    </form>
  );
}

/** Says so if the accent is shown otherwise than it was chosen. */
function accentHint(accent: string): string {
  const colour = colourOf(accent);
  if (!colour) return t("brand.accentHint");
  const { day, night } = marksOf(colour);
  return day === colour && night === colour ? t("brand.accentHint") : t("brand.accentAdjusted", { day, night });
}
