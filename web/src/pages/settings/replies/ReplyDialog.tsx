import { Plus, Trash2 } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button, IconButton } from "../../../components/Button";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Input, Textarea } from "../../../components/Field";
import { toast } from "../../../components/Toast";
import { language, t } from "../../../texts";
import { useRows } from "../policy/useRows";
import styles from "./RepliesPage.module.css";
import { type Reply, ReplyFragment } from "./RepliesQuery";

const Save = graphql(
  `
    mutation SaveCannedReply($input: CannedReplyInput!, $idempotencyKey: String) {
      saveCannedReply(input: $input, idempotencyKey: $idempotencyKey) {
        refusal {
          code
          message
          field
        }
        reply {
          ...Reply
        }
      }
    }
  `,
  [ReplyFragment],
);

const Remove = graphql(`
  mutation RemoveCannedReply($code: String!, $idempotencyKey: String) {
    removeCannedReply(code: $code, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      reply {
        code
      }
    }
  }
`);

interface ReplyDialogProps {
  /** The reply that is changed; without it, the form makes a new one. */
  reply?: Reply;
  onChanged: () => void;
  onClose: () => void;
}

export function ReplyDialog({ reply, onChanged, onClose }: ReplyDialogProps) {
  const formId = useId();
  const [title, setTitle] = useState(reply?.title ?? "");
  const [code, setCode] = useState(reply?.code ?? "");
  const bodies = useRows(reply?.bodies ?? [{ locale: language() as string, body: "" }]);
  const saving = useAction(Save);
  const removing = useAction(Remove);
  const refused = (field: string) => (saving.refusal?.field === field ? saving.refusal.message : undefined);

  const done = (words: string) => {
    toast(words);
    onChanged();
    onClose();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const locales = bodies.values.map(({ locale }) => locale);
    const usual = reply && locales.includes(reply.defaultLocale) ? reply.defaultLocale : locales[0];
    const input = { code: code.trim(), title: title.trim(), bodies: bodies.values, defaultLocale: usual };
    if (await saving.run({ input: { ...input, revision: reply?.revision } })) done(t("common.saved"));
  };
  const remove = async () => {
    if (await removing.run({ code })) done(t("replies.removed", { title }));
  };

  return (
    <Dialog
      title={reply ? reply.title : t("replies.add")}
      onClose={onClose}
      wide
      actions={
        <>
          {reply ? (
            <Button kind="danger" busy={removing.running} onClick={remove}>
              {t("common.remove")}
            </Button>
          ) : null}
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" form={formId} kind="primary" busy={saving.running}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <form id={formId} className={styles.form} onSubmit={submit}>
        <div className={styles.pair}>
          <Input
            label={t("replies.title")}
            error={refused("title")}
            required
            dir="auto"
            value={title}
            onChange={(event) => setTitle(event.target.value)}
          />
          <Input
            label={t("replies.code")}
            hint={t("replies.codeHint")}
            error={refused("code")}
            required
            readOnly={reply !== undefined}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        </div>
        {bodies.all.map(({ key, value }) => (
          <div key={key} className={styles.language}>
            <Input
              label={t("replies.locale")}
              required
              placeholder="de"
              value={value.locale}
              onChange={(event) => bodies.change(key, { locale: event.target.value })}
            />
            <div className={styles.body}>
              <Textarea
                label={t("replies.body")}
                required
                dir="auto"
                value={value.body}
                onChange={(event) => bodies.change(key, { body: event.target.value })}
              />
              <IconButton
                label={t("common.remove")}
                icon={<Trash2 />}
                disabled={bodies.all.length === 1}
                onClick={() => bodies.remove(key)}
              />
            </div>
          </div>
        ))}
        <div className={styles.add}>
          <Button icon={<Plus aria-hidden="true" />} onClick={() => bodies.add({ locale: "", body: "" })}>
            {t("replies.addLocale")}
          </Button>
        </div>
        <p>{t("replies.variables", { example: "{{customer.name|…}}" })}</p>
        <Failure
          refusal={
            ["title", "code"].includes(saving.refusal?.field ?? "")
              ? removing.refusal
              : (saving.refusal ?? removing.refusal)
          }
          problem={saving.problem ?? removing.problem}
        />
      </form>
    </Dialog>
  );
}
