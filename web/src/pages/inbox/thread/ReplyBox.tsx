import { LayoutTemplate, X } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Failure } from "../../../components/Failure";
import { Textarea } from "../../../components/Field";
import { type Canned, CannedMenu } from "../../../compose/CannedMenu";
import { Decision, type Sent } from "../../../compose/Decision";
import { Segments } from "../../../compose/Segments";
import { SendMessage } from "../../../compose/SendMessage";
import { type ChosenTemplate, TemplatePicker } from "../../../compose/TemplatePicker";
import { AttachButton, Uploads } from "../../../compose/Uploads";
import { useUploads } from "../../../compose/useUploads";
import { useViewer } from "../../../session/viewer";
import { useShortcuts } from "../../../shell/shortcuts";
import { t } from "../../../texts";
import type { ConversationRow } from "../InboxQuery";
import styles from "./ReplyBox.module.css";
import { WhatsAppWindow } from "./WhatsAppWindow";

const AddNote = graphql(`
  mutation AddConversationNote($customerId: ID!, $conversationId: ID!, $text: String!, $idempotencyKey: String) {
    addNote(customerId: $customerId, conversationId: $conversationId, text: $text, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      noteId
    }
  }
`);

/** What was begun for each conversation, while one looks at another. */
const drafts = new Map<string, string>();

const NO_FILES = new Set(["VOICE", "PUSH", "IN_APP"]);

interface ReplyProps {
  conversation: ConversationRow;
  inReplyTo: string | undefined;
  me: string | undefined;
  onSent: () => void;
}

export function ReplyBox({ conversation, inReplyTo, me, onSent }: ReplyProps) {
  const { id, customerId, channel } = conversation;
  const { maySend } = useViewer();
  const [mode, setMode] = useState<"reply" | "note">(maySend ? "reply" : "note");
  const [text, setText] = useState(drafts.get(id) ?? "");
  const [canned, setCanned] = useState<Canned>();
  const [template, setTemplate] = useState<ChosenTemplate>();
  const [picks, setPicks] = useState(false);
  const [sent, setSent] = useState<Sent>();
  const files = useUploads(customerId);
  const send = useAction(SendMessage);
  const note = useAction(AddNote);
  const form = useRef<HTMLFormElement>(null);
  const focus = () => form.current?.querySelector("textarea")?.focus();
  useShortcuts({ r: focus });

  const write = (words: string) => {
    setText(words);
    drafts.set(id, words);
  };
  const clear = () => {
    write("");
    setCanned(undefined);
    setTemplate(undefined);
    files.clear();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (mode === "note") {
      if (await note.run({ customerId, conversationId: id, text })) done();
      return;
    }
    const data = await send.run({
      input: {
        customerId,
        channel,
        class: "TRANSACTIONAL",
        topic: "service",
        inReplyTo,
        agentName: me,
        ...(template
          ? { template: { code: template.code, version: template.version } }
          : { body: text, cannedReply: canned?.code, attachments: files.tokens }),
      },
    });
    if (!data) return;
    setSent(data.sendMessage);
    done();
  };
  const done = () => {
    clear();
    onSent();
  };

  const isReply = mode === "reply";
  const { refusal, problem, running } = isReply ? send : note;
  const isEmpty = !text.trim() && !(isReply && (template || files.tokens.length > 0));
  return (
    <form ref={form} className={`${styles.box} ${isReply ? "" : styles.note}`} onSubmit={submit}>
      <div className={styles.modes} role="group" aria-label={t("inbox.reply")}>
        {(["reply", "note"] as const).map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={mode === one}
            disabled={one === "reply" && !maySend}
            onClick={() => setMode(one)}
          >
            {t(`inbox.${one}`)}
          </button>
        ))}
      </div>
      {isReply && channel === "WHATSAPP" ? <WhatsAppWindow lastInboundAt={conversation.lastInboundAt} /> : null}
      {isReply && template ? (
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
        <Textarea
          label={t(isReply ? "inbox.reply" : "inbox.note")}
          isLabelHidden
          placeholder={t(isReply ? "inbox.replyHint" : "inbox.noteHint")}
          rows={3}
          dir="auto"
          value={text}
          error={refusal?.field === "body" || refusal?.field === "text" ? refusal.message : undefined}
          onChange={(event) => write(event.target.value)}
          onPaste={(event) => {
            if (isReply && event.clipboardData.files.length > 0) files.add(event.clipboardData.files);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      )}
      {isReply ? <Uploads uploads={files.uploads} onRemove={files.remove} /> : null}
      <Failure
        refusal={refusal?.field === "body" || refusal?.field === "text" ? undefined : refusal}
        problem={problem}
      />
      {sent ? <Decision sent={sent} /> : null}
      <div className={styles.actions}>
        {isReply ? (
          <>
            <CannedMenu
              customerId={customerId}
              agent={me}
              onChoose={(chosen) => {
                setTemplate(undefined);
                setCanned(chosen);
                write(chosen.text);
              }}
            />
            <IconButton label={t("inbox.template")} icon={<LayoutTemplate />} onClick={() => setPicks(true)} />
            {NO_FILES.has(channel) || template ? null : <AttachButton onChoose={files.add} />}
            {template ? null : <Segments channel={channel} text={text} />}
          </>
        ) : null}
        <Button
          type="submit"
          kind="primary"
          busy={running}
          disabled={isEmpty || files.isUploading}
          title={t("inbox.sendKeys")}
        >
          {t(isReply ? "inbox.send" : "inbox.addNote")}
        </Button>
      </div>
      {picks ? (
        <TemplatePicker
          channel={channel}
          customerId={customerId}
          onChoose={setTemplate}
          onClose={() => setPicks(false)}
        />
      ) : null}
    </form>
  );
}
