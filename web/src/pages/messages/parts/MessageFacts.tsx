import { Link } from "@tanstack/react-router";
import { uuidOf } from "../../../api/ids";
import { CopyableId } from "../../../components/CopyableId";
import { Facts } from "../../../components/Facts";
import { Money } from "../../../components/Money";
import { Person } from "../../../components/Person";
import { ChannelName } from "../../../components/Status";
import { t } from "../../../texts";
import { dateTime, number } from "../../../texts/format";
import type { MessageData } from "../MessageQuery";

const when = (at: string | null) => at && dateTime(at);

export function MessageFacts({ message }: { message: MessageData }) {
  const { customer, template, call, direction } = message;
  return (
    <Facts
      facts={[
        [
          t("message.customer"),
          <Link key="customer" to="/customers/$customerId" params={{ customerId: uuidOf(message.customerId) }}>
            <Person name={customer?.name ?? null} isForgotten={Boolean(customer?.forgottenAt)} />
          </Link>,
        ],
        [t("message.channel"), <ChannelName key="channel" channel={message.channel} />],
        [t("message.direction"), t(`message.directions.${direction}`)],
        [t("message.from"), message.from],
        [t("message.to"), message.to],
        [t("message.class"), message.class && t(`message.classes.${message.class}`)],
        [t("message.topic"), message.topic],
        [t(direction === "INBOUND" ? "message.received" : "message.created"), when(message.createdAt)],
        [t("message.author"), message.author.name ?? message.author.id],
        [t("message.sendAt"), when(message.sendAt)],
        [t("message.heldUntil"), when(message.heldUntil)],
        [t("message.retry"), when(message.retryAt)],
        [t("message.campaign"), message.campaignId && <CopyableId key="campaign" id={message.campaignId} />],
        [t("message.variant"), message.variant],
        [
          t("message.template"),
          template &&
            [template.code, template.version && t("compose.version", { version: template.version }), template.locale]
              .filter(Boolean)
              .join(" · "),
        ],
        [t("message.provider"), message.provider && [message.provider, message.account].filter(Boolean).join(" · ")],
        [t("message.providerId"), message.providerMessageId && <code>{message.providerMessageId}</code>],
        [t("message.segments"), message.channel === "SMS" && message.segments ? number(message.segments) : null],
        [t("message.cost"), message.cost && <Money value={message.cost} />],
        [
          t("message.call"),
          call &&
            [
              t(`message.callResult.${call.result}`),
              call.seconds === null ? "" : t("message.callSeconds", { count: call.seconds }),
            ]
              .filter(Boolean)
              .join(" · "),
        ],
        [t("message.inReplyTo"), message.inReplyTo && <MessageLink key="reply" id={message.inReplyTo} />],
        [t("message.about"), message.about && <MessageLink key="about" id={message.about} />],
        [t("message.id"), <CopyableId key="id" id={message.id} />],
      ]}
    />
  );
}

const MessageLink = ({ id }: { id: string }) => (
  <Link to="/messages/$messageId" params={{ messageId: uuidOf(id) }}>
    {t("message.shown")}
  </Link>
);
