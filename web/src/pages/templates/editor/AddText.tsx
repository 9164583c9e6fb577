import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../../components/Button";
import { Input, Select } from "../../../components/Field";
import { Popover } from "../../../components/Popover";
import { CHANNELS, type Channel } from "../../../components/Status";
import { t } from "../../../texts";
import { type Content, type Draft, keyFor, keyOf, newContent } from "../draft/draft";

/** A text for another channel or locale. It begins with what the channel says in another locale. */
export function AddText({ draft, onAdd }: { draft: Draft; onAdd: (content: Content) => void }) {
  const [channel, setChannel] = useState<Channel>("EMAIL");
  const [locale, setLocale] = useState("");
  const exists = draft.contents.some((content) => keyOf(content) === keyFor(channel, locale));
  return (
    <Popover
      label={t("templates.addText")}
      trigger={
        <Button kind="quiet" icon={<Plus aria-hidden="true" />}>
          {t("templates.addText")}
        </Button>
      }
    >
      <Select
        label={t("templates.channel")}
        value={channel}
        options={CHANNELS.map((one) => ({ value: one, label: t(`channel.${one}`) }))}
        onChange={setChannel}
      />
      <Input
        label={t("templates.locale")}
        hint={t("templates.localeHint")}
        spellCheck={false}
        value={locale}
        error={exists ? t("templates.textExists") : undefined}
        onChange={(event) => setLocale(event.target.value.trim())}
      />
      <Button
        kind="primary"
        disabled={locale === "" || exists}
        onClick={() => {
          onAdd(newContent(draft, channel, locale));
          setLocale("");
        }}
      >
        {t("templates.addText")}
      </Button>
    </Popover>
  );
}
