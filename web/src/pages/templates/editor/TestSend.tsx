import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../../../api/graphql";
import { useAction } from "../../../api/useAction";
import { Button } from "../../../components/Button";
import { Combobox } from "../../../components/Combobox";
import { Dialog } from "../../../components/Dialog";
import { Failure } from "../../../components/Failure";
import { Checkbox, Input, Select } from "../../../components/Field";
import { CHANNELS, type Channel } from "../../../components/Status";
import { toast } from "../../../components/Toast";
import { Decision } from "../../../compose/Decision";
import { t } from "../../../texts";
import { useUrlState } from "../../../url/useUrlState";
import type { SavedTemplate } from "../draft/draft";
import { valuesFor, valuesOf } from "../preview/values";
import { templateUrl } from "../templatesUrl";

const SendTest = graphql(`
  mutation SendTestMessage($input: TestMessageInput!, $idempotencyKey: String) {
    sendTestMessage(input: $input, idempotencyKey: $idempotencyKey) {
      refusal {
        code
        message
        field
      }
      messageId
      decision
      rule
      heldUntil
      message {
        id
        state
      }
    }
  }
`);

const FindReceivers = graphql(`
  query FindTestReceivers($search: String!) {
    customers(first: 8, filter: { search: $search }) {
      nodes {
        id
        name
        addresses {
          id
          kind
          address
        }
      }
    }
  }
`);

interface TestSendProps {
  saved: SavedTemplate;
  isChanged: boolean;
  onClose: () => void;
}

/** Sends the saved draft to somebody on record, with the values that the preview shows. */
export function TestSend({ saved, isChanged, onClose }: TestSendProps) {
  const [url] = useUrlState(templateUrl);
  const channels = CHANNELS.filter((channel) => saved.contents.some((content) => content.channel === channel));
  const [channel, setChannel] = useState<Channel>(
    channels.find((one) => url.text?.startsWith(`${one}.`)) ?? channels[0] ?? "EMAIL",
  );
  const [locale, setLocale] = useState(url.locale ?? url.text?.split(".")[1] ?? saved.defaultLocale);
  const [to, setTo] = useState("");
  const [withValues, setWithValues] = useState(true);
  const search = useDeferredValue(to.trim());
  const [{ data, fetching }] = useQuery({ query: FindReceivers, variables: { search }, pause: search === "" });
  const { run, running, refusal, problem } = useAction(SendTest);
  const [sent, setSent] = useState<Parameters<typeof Decision>[0]["sent"]>();
  const kind = channel === "EMAIL" ? "EMAIL" : "PHONE";

  const send = async () => {
    const values = withValues ? valuesFor(valuesOf(url.values) ?? {}, url.customer !== undefined) : undefined;
    const result = await run({
      input: {
        template: saved.code,
        channel,
        locale: locale.trim() || undefined,
        to: to.trim(),
        customerId: url.customer,
        variables: values,
      },
    });
    if (!result) return;
    setSent(result.sendTestMessage);
    if (result.sendTestMessage.decision === "QUEUED") {
      toast(t("templates.testSent", { to: to.trim() }));
      onClose();
    }
  };
  const options = (search ? (data?.customers.nodes ?? []) : []).flatMap((customer) =>
    customer.addresses.flatMap((one) =>
      one.kind === kind && one.address
        ? [{ value: one.address, label: one.address, hint: customer.name ?? undefined }]
        : [],
    ),
  );
  const isAtReceiver = refusal?.field === "to";
  return (
    <Dialog
      title={t("templates.test")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" busy={running} disabled={to.trim() === ""} onClick={send}>
            {t("templates.testNow")}
          </Button>
        </>
      }
    >
      {isChanged ? <p>{t("templates.testSaved")}</p> : null}
      <Combobox
        label={t("templates.testTo")}
        hint={t("templates.testHint")}
        error={isAtReceiver ? refusal.message : undefined}
        words={to}
        onWords={setTo}
        isLoading={fetching}
        options={options}
        onChoose={(option) => setTo(option.value)}
      />
      <Select
        label={t("templates.channel")}
        value={channel}
        options={channels.map((one) => ({ value: one, label: t(`channel.${one}`) }))}
        onChange={setChannel}
      />
      <Input
        label={t("templates.locale")}
        spellCheck={false}
        value={locale}
        onChange={(event) => setLocale(event.target.value)}
      />
      <Checkbox
        label={t("templates.testValues")}
        checked={withValues}
        onChange={(event) => setWithValues(event.target.checked)}
      />
      <Failure refusal={isAtReceiver ? undefined : refusal} problem={problem} />
      {sent ? <Decision sent={sent} /> : null}
    </Dialog>
  );
}
