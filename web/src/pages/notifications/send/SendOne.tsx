import { Link } from "@tanstack/react-router";
import { Send } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { uuidOf } from "../../../api/ids";
import { problemOf } from "../../../api/problem";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Input, Select, Textarea } from "../../../components/Field";
import { CHANNELS } from "../../../components/Status";
import { Explanation, type MessageInput } from "../../../compose/Explanation";
import { useViewer } from "../../../session/viewer";
import { t } from "../../../texts";
import { TextPreview } from "../../campaigns/parts/TextPreview";
import { templatesFor, useChoices } from "../../campaigns/plan/ChoicesQuery";
import { TemplateSelect } from "../../campaigns/plan/steps/TemplateSelect";
import type { NotificationsUrl } from "../notificationsUrl";
import styles from "../sections.module.css";
import { CustomerField } from "./CustomerField";
import { Decided } from "./Decided";
import { Segments } from "./Segments";
import { ReceiverQuery, SendMessage, type Sent } from "./SendQueries";

interface SendOneProps {
  url: NotificationsUrl;
  setUrl: (changes: Partial<NotificationsUrl>) => void;
}

/** One message to one customer: by a template or in one's own words, with what speaks against it before it goes. */
export function SendOne({ url, setUrl }: SendOneProps) {
  const viewer = useViewer();
  const [subject, setSubject] = useState("");
  const [body, setBody] = useState("");
  const [sendAt, setSendAt] = useState("");
  const [sent, setSent] = useState<Sent>();
  const { choices } = useChoices();
  const [receiver] = useQuery({
    query: ReceiverQuery,
    variables: { id: url.customer ?? "" },
    pause: url.customer === undefined,
  });
  const { run, running, refusal, problem } = useAction(SendMessage);
  const customer = url.customer ? receiver.data?.customer : undefined;
  const templates = templatesFor(choices?.templates ?? [], url.channel);
  const template = templates.find((one) => one.code === url.template);
  // A template says by itself what it is.
  const kind = template?.class ?? url.class;

  const input: MessageInput | null | undefined = customer && {
    customerId: customer.id,
    channel: url.channel,
    class: kind,
    topic: url.topic,
    sendAt: sendAt === "" ? undefined : new Date(sendAt).toISOString(),
    ...(template
      ? { template: { code: template.code } }
      : { body, subject: url.channel === "EMAIL" ? subject : undefined }),
  };

  const send = async () => {
    if (!input) return;
    const done = await run({ input });
    setSent(done?.sendMessage);
  };

  return (
    <div className={styles.columns}>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <CustomerField
          chosen={customer ? (customer.name ?? t("customers.nameless")) : ""}
          onChoose={(id) => {
            setUrl({ customer: id });
            setSent(undefined);
          }}
        />
        <div className={styles.row}>
          <Select
            label={t("campaign.channel")}
            value={url.channel}
            options={CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) }))}
            onChange={(channel) => setUrl({ channel, template: "" })}
          />
          <Input
            label={t("plan.topic")}
            value={url.topic}
            onChange={(event) => setUrl({ topic: event.target.value })}
          />
        </div>
        <div className={styles.row}>
          <TemplateSelect
            templates={templates}
            value={template?.code ?? ""}
            none={t("notifications.ownText")}
            onChange={(code) => setUrl({ template: code })}
          />
          <Select
            label={t("notifications.class")}
            value={kind}
            disabled={template !== undefined}
            options={[
              { value: "TRANSACTIONAL", label: t("notifications.classes.TRANSACTIONAL") },
              { value: "MARKETING", label: t("notifications.classes.MARKETING") },
            ]}
            onChange={(chosen) => setUrl({ class: chosen })}
          />
        </div>
        {template ? (
          <TextPreview code={template.code} version={null} channel={url.channel} customerId={customer?.id} />
        ) : (
          <>
            {url.channel === "EMAIL" ? (
              <Input
                label={t("notifications.subject")}
                value={subject}
                error={refusal?.field === "subject" ? refusal.message : undefined}
                onChange={(event) => setSubject(event.target.value)}
              />
            ) : null}
            <Textarea
              label={t("plan.text")}
              dir="auto"
              value={body}
              hint={url.channel === "SMS" ? <Segments body={body} /> : undefined}
              error={refusal?.field === "body" ? refusal.message : undefined}
              onChange={(event) => setBody(event.target.value)}
            />
          </>
        )}
        <Input
          label={t("notifications.sendAt")}
          hint={t("notifications.sendAtHint")}
          type="datetime-local"
          value={sendAt}
          onChange={(event) => setSendAt(event.target.value)}
        />
        <Failure
          refusal={refusal?.field === "subject" || refusal?.field === "body" ? undefined : refusal}
          problem={problem ?? (receiver.error && problemOf(receiver.error))}
        />
        <div className={styles.actions}>
          <Button
            type="submit"
            kind="primary"
            icon={<Send />}
            busy={running}
            disabled={!customer || !viewer.maySend || (!template && body.trim() === "")}
          >
            {t("notifications.send")}
          </Button>
        </div>
        {viewer.maySend ? null : <p className={styles.note}>{t("notifications.mayNotSend")}</p>}
      </form>
      <aside className={styles.section} aria-labelledby="explanation">
        <h2 id="explanation">{t("explain.title")}</h2>
        {sent ? <Decided sent={sent} /> : null}
        {input && customer ? (
          <>
            <Explanation input={input} />
            <p className={styles.note}>{t("explain.again")}</p>
            <Link to="/customers/$customerId" params={{ customerId: uuidOf(customer.id) }}>
              {t("notifications.showCustomer")}
            </Link>
          </>
        ) : (
          <p className={styles.note}>{t("explain.nobody")}</p>
        )}
      </aside>
    </div>
  );
}
