import { useNavigate } from "@tanstack/react-router";
import { FlaskConical } from "lucide-react";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button, LinkButton } from "../../../components/Button";
import { Empty } from "../../../components/Empty";
import { Failure } from "../../../components/Failure";
import { Select } from "../../../components/Field";
import { Skeleton } from "../../../components/Skeleton";
import { CHANNELS } from "../../../components/Status";
import { mayAuthor } from "../../../session/permissions";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { date, number } from "../../../texts/format";
import { TextPreview } from "../../campaigns/parts/TextPreview";
import { templatesFor, useChoices } from "../../campaigns/plan/ChoicesQuery";
import { CreateCampaign, EMPTY_DRAFT, inputOf } from "../../campaigns/plan/draft";
import { TemplateSelect } from "../../campaigns/plan/steps/TemplateSelect";
import type { NotificationsUrl } from "../notificationsUrl";
import styles from "../sections.module.css";

interface BulkProps {
  url: NotificationsUrl;
  setUrl: (changes: Partial<NotificationsUrl>) => void;
}

/** A campaign in three fields: whom, by what, which text. It is tried dry before it goes. */
export function Bulk({ url, setUrl }: BulkProps) {
  const viewer = useViewer();
  const navigate = useNavigate();
  const { choices, error } = useChoices();
  const { run, running, refusal, problem } = useAction(CreateCampaign);
  if (!mayAuthor(viewer)) return <Empty title={t("notifications.mayNotPlan")} />;
  if (error) return <Failure problem={problemOf(error)} />;
  if (!choices) return <Skeleton lines={8} />;
  const lists = choices.lists.nodes;
  const templates = templatesFor(choices.templates, url.channel);
  const list = lists.find((one) => one.id === url.list);
  const template = templates.find((one) => one.code === url.template);
  if (lists.length === 0) {
    return (
      <Empty title={t("plan.noLists")} action={<LinkButton to="/lists">{t("nav.lists")}</LinkButton>}>
        {t("plan.noListsHint")}
      </Empty>
    );
  }
  const create = async () => {
    if (!list || !template) return;
    const name = t("notifications.bulkName", { template: template.title, list: list.name, day: date(new Date()) });
    const draft = {
      ...EMPTY_DRAFT,
      name,
      channel: url.channel,
      topic: url.topic,
      lists: [list.id],
      template: template.code,
    };
    const created = await run({ input: inputOf(draft) });
    const id = created?.createCampaign.campaign?.id;
    if (id) await navigate({ to: "/campaigns/$campaignId/dry-run", params: { campaignId: uuidOf(id) } });
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <p className={styles.note}>{t("notifications.bulkHint")}</p>
      <Select
        label={t("campaign.list")}
        value={url.list ?? ""}
        options={[
          { value: "", label: t("notifications.chooseList") },
          ...lists.map((one) => ({ value: one.id, label: `${one.name} (${number(one.memberCount)})` })),
        ]}
        onChange={(chosen) => setUrl({ list: chosen || undefined })}
      />
      <Select
        label={t("campaign.channel")}
        value={url.channel}
        options={CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) }))}
        onChange={(channel) => setUrl({ channel, template: "" })}
      />
      <TemplateSelect
        templates={templates}
        value={template?.code ?? ""}
        none={
          templates.length === 0
            ? t("plan.noTemplates", { channel: t(`channel.${url.channel}`) })
            : t("plan.chooseTemplate")
        }
        onChange={(code) => setUrl({ template: code })}
      />
      {template ? <TextPreview code={template.code} version={null} channel={url.channel} /> : null}
      <Failure refusal={refusal} problem={problem} />
      <div className={styles.actions}>
        <LinkButton to="/campaigns/new">{t("notifications.wholeWizard")}</LinkButton>
        <Button type="submit" kind="primary" icon={<FlaskConical />} busy={running} disabled={!list || !template}>
          {t("notifications.createAndTry")}
        </Button>
      </div>
    </form>
  );
}
