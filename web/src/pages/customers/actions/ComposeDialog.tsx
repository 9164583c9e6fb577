import { LayoutTemplate, X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input, Select, Textarea } from "../../../components/Field";
import { CHANNELS, type Channel } from "../../../components/Status";
import { toast } from "../../../components/Toast";
import { Decision, type Sent } from "../../../compose/Decision";
import { Explanation, type MessageInput } from "../../../compose/Explanation";
import { Segments } from "../../../compose/Segments";
import { SendMessage } from "../../../compose/SendMessage";
import { type ChosenTemplate, TemplatePicker } from "../../../compose/TemplatePicker";
import { AttachButton, Uploads } from "../../../compose/Uploads";
import { useUploads } from "../../../compose/useUploads";
import { t } from "../../../texts";
import styles from "./ComposeDialog.module.css";

interface ComposeProps {
  customerId: string;
  name: string | null;
  onClose: () => void;
}

/** Writes to one customer on any channel. What the rules say to it is shown before the dialog closes. */
export function ComposeDialog({ customerId, name, onClose }: ComposeProps) {
  const [channel, setChannel] = useState<Channel>("EMAIL");
  const [of, setOf] = useState<"TRANSACTIONAL" | "MARKETING">("TRANSACTIONAL");
  const [topic, setTopic] = useState("service");
  const [subject, setSubject] = useState("");
  const [text, setText] = useState("");
  const [sendAt, setSendAt] = useState("");
  const [template, setTemplate] = useState<ChosenTemplate>();
  const [picks, setPicks] = useState(false);
  const [sent, setSent] = useState<Sent>();
  const files = useUploads(customerId);
  const { run, running, refusal, problem } = useAction(SendMessage);
  const form = useId();

  const at = new Date(sendAt);
  const input: MessageInput = {
    customerId,
    channel,
    class: of,
    topic: topic.trim(),
    sendAt: Number.isNaN(at.getTime()) ? undefined : at.toISOString(),
    ...(template
      ? { template: { code: template.code, version: template.version } }
      : {
          body: text,
          subject: channel === "EMAIL" && subject.trim() ? subject : undefined,
          attachments: files.tokens,
        }),
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const data = await run({ input });
    if (!data) return;
    if (data.sendMessage.decision === "QUEUED") {
      toast(t("customer.compose.queued"));
      onClose();
    } else setSent(data.sendMessage);
  };
  const error = (field: string) => (refusal?.field === field ? refusal.message : undefined);
  const isPlaced = ["body", "subject", "topic", "sendAt"].includes(refusal?.field ?? "");

  return (
    <Dialog
      title={t("customer.compose.title", { name: name ?? t("customers.nameless") })}
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t(sent ? "common.close" : "common.cancel")}</Button>
          {sent ? null : (
            <Button
              kind="primary"
              type="submit"
              form={form}
              busy={running}
              disabled={files.isUploading || !(text.trim() || template || files.tokens.length > 0)}
            >
              {t("customer.compose.send")}
            </Button>
          )}
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={submit}>
        <div className={styles.row}>
          <Select
            label={t("customer.compose.channel")}
            value={channel}
            options={CHANNELS.map((one) => ({ value: one, label: t(`channel.${one}`) }))}
            onChange={(next) => {
              setChannel(next);
              setTemplate(undefined);
            }}
          />
          <Select
            label={t("customer.compose.class")}
            value={of}
            options={(["TRANSACTIONAL", "MARKETING"] as const).map((one) => ({
              value: one,
              label: t(`message.classes.${one}`),
            }))}
            onChange={setOf}
          />
          <Input
            label={t("customer.compose.topic")}
            required
            value={topic}
            error={error("topic")}
            onChange={(event) => setTopic(event.target.value)}
          />
          <Input
            label={t("customer.compose.sendAt")}
            type="datetime-local"
            value={sendAt}
            error={error("sendAt")}
            onChange={(event) => setSendAt(event.target.value)}
          />
        </div>
        {template ? (
          <p className={styles.template}>
            <LayoutTemplate aria-hidden="true" />
            <bdi>{template.title}</bdi>
            <IconButton
              label={t("compose.remove", { name: template.title })}
              icon={<X />}
              onClick={() => setTemplate(undefined)}
            />
          </p>
        ) : (
          <>
            {channel === "EMAIL" ? (
              <Input
                label={t("customer.compose.subject")}
                dir="auto"
                value={subject}
                error={error("subject")}
                onChange={(event) => setSubject(event.target.value)}
              />
            ) : null}
            <Textarea
              label={t("customer.compose.text")}
              dir="auto"
              rows={5}
              value={text}
              error={error("body")}
              onChange={(event) => setText(event.target.value)}
            />
          </>
        )}
        <div className={styles.tools}>
          <Button icon={<LayoutTemplate />} onClick={() => setPicks(true)}>
            {t("inbox.template")}
          </Button>
          {template || channel === "VOICE" || channel === "PUSH" || channel === "IN_APP" ? null : (
            <AttachButton onChoose={files.add} />
          )}
          {template ? null : <Segments channel={channel} text={text} />}
        </div>
        <Uploads uploads={files.uploads} onRemove={files.remove} />
      </form>
      <Failure refusal={isPlaced ? undefined : refusal} problem={problem} />
      {sent ? <Decision sent={sent} /> : <Explanation input={input} isBrief />}
      {picks ? (
        <TemplatePicker
          channel={channel}
          customerId={customerId}
          onChoose={(chosen) => {
            setTemplate(chosen);
            setOf(chosen.class);
          }}
          onClose={() => setPicks(false)}
        />
      ) : null}
    </Dialog>
  );
}
