import { useState } from "react";
import { type Enum, graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { ConfirmDialog } from "../../../components/ConfirmDialog";
import { Input, Select, Textarea } from "../../../components/Field";
import { CHANNELS, type Channel } from "../../../components/Status";
import { toast } from "../../../components/Toast";
import { t } from "../../../texts";

const SetConsent = graphql(`
  mutation SetConsent($input: ConsentInput!, $idempotencyKey: String) {
    setConsent(input: $input, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      customer {
        id
        consents {
          channel
          topic
          state
          method
          wording
          occurredAt
          recordedAt
          ip
          userAgent
          messageId
          eventId
          author {
            id
            name
          }
        }
      }
    }
  }
`);

const STATES = ["OPTED_IN", "OPTED_OUT"] as const satisfies readonly Enum<"ConsentState">[];

interface ConsentProps {
  customerId: string;
  channel?: Channel;
  topic?: string;
  onClose: () => void;
}

/** Records what a customer said, with the evidence. */
export function ConsentDialog({ customerId, onClose, ...begun }: ConsentProps) {
  const [channel, setChannel] = useState<Channel>(begun.channel ?? "EMAIL");
  const [topic, setTopic] = useState(begun.topic ?? "newsletter");
  const [state, setState] = useState<(typeof STATES)[number]>("OPTED_OUT");
  const [method, setMethod] = useState("operator");
  const [wording, setWording] = useState("");
  const { run, running, refusal, problem } = useAction(SetConsent);
  const save = async () => {
    const input = {
      customerId,
      channel,
      topic: topic.trim(),
      state,
      method: method.trim(),
      wording: wording || undefined,
    };
    if (!(await run({ input }))) return;
    toast(t("customer.consentSaved"));
    onClose();
  };
  const error = (field: string) => (refusal?.field === field ? refusal.message : undefined);
  const isPlaced = ["topic", "method", "wording"].includes(refusal?.field ?? "");
  return (
    <ConfirmDialog
      title={t("customer.setConsent")}
      action={t("common.save")}
      isRunning={running}
      refusal={isPlaced ? undefined : refusal}
      problem={problem}
      onConfirm={save}
      onClose={onClose}
    >
      <Select
        label={t("customer.consentForm.channel")}
        value={channel}
        options={CHANNELS.map((one) => ({ value: one, label: t(`channel.${one}`) }))}
        onChange={setChannel}
      />
      <Input
        label={t("customer.consentForm.topic")}
        hint={t("customer.consentForm.topicHint")}
        value={topic}
        error={error("topic")}
        onChange={(event) => setTopic(event.target.value)}
      />
      <Select
        label={t("customer.consentForm.state")}
        value={state}
        options={STATES.map((one) => ({ value: one, label: t(`customer.consentForm.states.${one}`) }))}
        onChange={setState}
      />
      <Input
        label={t("customer.consentForm.method")}
        value={method}
        error={error("method")}
        onChange={(event) => setMethod(event.target.value)}
      />
      <Textarea
        label={t("customer.consentForm.wording")}
        hint={t("customer.consentForm.wordingHint")}
        dir="auto"
        value={wording}
        error={error("wording")}
        onChange={(event) => setWording(event.target.value)}
      />
    </ConfirmDialog>
  );
}
