import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useAction } from "../../api/useAction";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Failure } from "../../components/Failure";
import { Input, Select } from "../../components/Field";
import { CHANNELS, type Channel } from "../../components/Status";
import { language, t } from "../../texts";
import { firstTexts, keyFor } from "./draft/draft";
import { SaveTemplate } from "./TemplateQuery";
import { templateUrl } from "./templatesUrl";

/** Asks for the least that a template has, saves its draft and opens it. */
export function NewTemplate({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("");
  const [code, setCode] = useState<string>();
  const [channel, setChannel] = useState<Channel>("EMAIL");
  const [kind, setKind] = useState<"MARKETING" | "TRANSACTIONAL" | "PARTIAL">("MARKETING");
  const [locale, setLocale] = useState<string>(language());
  const navigate = useNavigate();
  const { run, running, refusal, problem } = useAction(SaveTemplate);
  const shownCode = code ?? codeOf(title);

  const create = async () => {
    const data = await run({
      input: {
        code: shownCode,
        title: title.trim(),
        kind: kind === "PARTIAL" ? "PARTIAL" : "MESSAGE",
        class: kind === "TRANSACTIONAL" ? "TRANSACTIONAL" : "MARKETING",
        defaultLocale: locale,
        contents: [{ locale, texts: firstTexts(channel, locale, { code: shownCode, title: title.trim() }) }],
      },
    });
    if (!data) return;
    const search = templateUrl.params({ text: keyFor(channel, locale) });
    navigate({ to: "/templates/$code", params: { code: shownCode }, search });
  };
  const at = (field: string) => (refusal?.field === field ? refusal.message : undefined);
  const isElsewhere = refusal && !["title", "code", "defaultLocale"].includes(refusal.field ?? "");
  return (
    <Dialog
      title={t("templates.new")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" busy={running} disabled={!title.trim() || !shownCode || !locale} onClick={create}>
            {t("templates.create")}
          </Button>
        </>
      }
    >
      <Input
        label={t("templates.column.title")}
        dir="auto"
        value={title}
        error={at("title")}
        onChange={(event) => setTitle(event.target.value)}
      />
      <Input
        label={t("templates.code")}
        hint={t("templates.codeHint")}
        spellCheck={false}
        value={shownCode}
        error={at("code")}
        onChange={(event) => setCode(event.target.value)}
      />
      <Select
        label={t("templates.column.class")}
        value={kind}
        options={[
          { value: "MARKETING", label: t("templates.classes.MARKETING") },
          { value: "TRANSACTIONAL", label: t("templates.classes.TRANSACTIONAL") },
          { value: "PARTIAL", label: t("templates.kindOne.PARTIAL") },
        ]}
        onChange={setKind}
      />
      <Select
        label={t("templates.firstChannel")}
        value={channel}
        options={CHANNELS.map((one) => ({ value: one, label: t(`channel.${one}`) }))}
        onChange={setChannel}
      />
      <Input
        label={t("templates.defaultLocale")}
        hint={t("templates.localeHint")}
        spellCheck={false}
        value={locale}
        error={at("defaultLocale")}
        onChange={(event) => setLocale(event.target.value.trim())}
      />
      <Failure refusal={isElsewhere ? refusal : undefined} problem={problem} />
    </Dialog>
  );
}

/** A code that a title suggests: small letters, digits and dashes. */
function codeOf(title: string): string {
  const letters = title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
  return letters.replace(/^-+|-+$/g, "").slice(0, 60);
}
