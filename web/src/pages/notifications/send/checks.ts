import type { Enum } from "../../../api/graphql";
import type { Channel } from "../../../components/Status";
import { t } from "../../../texts";
import type { Receiver } from "./SendQueries";

const KINDS: Record<Channel, Enum<"AddressKind">> = {
  EMAIL: "EMAIL",
  SMS: "PHONE",
  WHATSAPP: "PHONE",
  VOICE: "PHONE",
  PUSH: "PUSH_TOKEN",
  IN_APP: "IN_APP",
};

export interface Check {
  name: "address" | "suppression" | "consent";
  isGood: boolean;
  text: string;
}

type Customer = NonNullable<Receiver["customer"]>;

/** The address that a message would go to: the primary one, otherwise the first. */
export function addressFor(customer: Customer, channel: Channel) {
  const all = customer.addresses.filter((one) => one.kind === KINDS[channel]);
  return all.find((one) => one.primary) ?? all[0];
}

/** What is known before sending. Caps, quiet hours and the rest are decided by the server when it takes the message. */
export function checksFor(
  receiver: Receiver,
  { channel, topic, isMarketing }: { channel: Channel; topic: string; isMarketing: boolean },
): Check[] {
  const { customer, consents, policy } = receiver;
  if (!customer) return [];
  const address = addressFor(customer, channel);
  if (!address) {
    return [
      {
        name: "address",
        isGood: false,
        text: t("notifications.check.noAddress", { channel: t(`channel.${channel}`) }),
      },
    ];
  }
  const suppression = address.suppressions.find((one) => one.active);
  const state = consents.find((one) => one.channel === channel && one.topic === topic)?.state ?? "NONE";
  // Silence is consent unless the policy asks for an opt-in.
  const isAllowed = state === "OPTED_IN" || (state === "NONE" && !policy.requireOptIn);
  const values = { topic, state: t(`consentState.${state}`) };
  return [
    { name: "address", isGood: true, text: address.address ?? t("customer.hidden") },
    suppression
      ? {
          name: "suppression",
          isGood: false,
          text: t("notifications.check.suppressed", { reason: t(`suppressionReason.${suppression.reason}`) }),
        }
      : { name: "suppression", isGood: true, text: t("notifications.check.notSuppressed") },
    {
      name: "consent",
      isGood: !isMarketing || isAllowed,
      text: isMarketing ? t("notifications.check.consent", values) : t("notifications.check.noConsentNeeded", values),
    },
  ];
}
