//! Mutations on messages.

use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::object::Message;
use crate::app::ResolveInDoubt;
use crate::domain::canned::decide::UseCannedReply;
use crate::domain::customer::event::Source;
use crate::domain::message::decide::{
    CancelMessage, ReceiveMessage, ReceivedMessage, SendDecision, SendMessage, SentMessage,
};
use crate::domain::message::dispatch;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::{Channel, MessageClass};
use crate::ids::{AddressId, CampaignId, ConversationId, CustomerId, MessageId};

/// A message to be sent.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// To whom.
    customer_id: Of<CustomerId>,
    /// How.
    channel: Channel,
    /// What it is for; transactional messages need no marketing consent.
    class: MessageClass,
    /// The topic that consent is judged for, such as `newsletter`.
    topic: String,
    /// Which of the customer's addresses; left out: the primary one.
    address_id: Option<Of<AddressId>>,
    /// The subject, for email.
    subject: Option<String>,
    /// Plain text; may be left out with a canned reply.
    #[graphql(default)]
    body: String,
    /// The code of a canned reply: its text in the customer's locale is the body, unless there is one. The message says
    /// which revision it was made of.
    canned_reply: Option<String>,
    /// Who signs, for `{{agent.name}}` in a canned reply; left out: to whom the conversation is assigned.
    agent_name: Option<String>,
    /// Not before this time.
    send_at: Option<DateTime<Utc>>,
    /// The message that it answers.
    in_reply_to: Option<Of<MessageId>>,
    /// The campaign that it belongs to.
    campaign_id: Option<Of<CampaignId>>,
    /// The campaign's variant.
    variant: Option<String>,
    /// Files that go with it: what `POST /attachments?customer=…` answered as `attachment`, at most ten. Mails carry any
    /// kind, text messages pictures and a few others.
    attachments: Option<Vec<String>>,
}

/// A message that a customer wrote.
#[derive(InputObject)]
pub struct ReceiveMessageInput {
    /// Who wrote; left out: whoever has the address `from`, or a new customer.
    customer_id: Option<Of<CustomerId>>,
    /// How it came.
    channel: Channel,
    /// The customer's address.
    from: Option<String>,
    /// Our address.
    to: Option<String>,
    /// The subject, for email.
    subject: Option<String>,
    /// The text, kept exactly.
    body: String,
    /// When it was written; left out: now.
    occurred_at: Option<DateTime<Utc>>,
    /// Our message that it answers.
    in_reply_to: Option<Of<MessageId>>,
    /// Who hands it over; left out: `api`.
    provider: Option<String>,
    /// The provider's id of the message: the same id is taken in once.
    provider_message_id: Option<String>,
}

/// What was decided about a message that was asked for.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It goes out as soon as a dispatcher takes it.
    Queued,
    /// It waits.
    Held,
    /// It is not sent.
    Suppressed,
}

payload! {
    /// The answer to `sendMessage`.
    SendMessagePayload of complex: SentMessage {
        /// The new message.
        message_id: Of<MessageId> = |sent| Some(Of(sent.message_id)),
        /// What was decided. A suppressed message is no refusal: it stands in the timeline with its reason.
        decision: Decision = |sent| Some(match sent.decision {
            SendDecision::Queued => Decision::Queued,
            SendDecision::Held { .. } => Decision::Held,
            SendDecision::Suppressed { .. } => Decision::Suppressed,
        }),
        /// Which rule holds or suppresses it.
        rule: String = |sent| match &sent.decision {
            SendDecision::Held { rule, .. } | SendDecision::Suppressed { rule } => Some(rule.clone()),
            SendDecision::Queued => None,
        },
        /// Until when it waits.
        held_until: DateTime<Utc> = |sent| match sent.decision {
            SendDecision::Held { until, .. } => Some(until),
            _ => None,
        },
    }
}

#[ComplexObject]
impl SendMessagePayload {
    /// The message as it is after this mutation: waits until the read tables show it.
    #[graphql(guard = "May(Permission::Read)")]
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        let (Some(id), Some(position)) = (&self.message_id, self.position) else { return Ok(None) };
        Api::of(ctx)?.wait_for(Some(position)).await?;
        Message::load(ctx, id.0).await
    }
}

payload! {
    /// The answer to `receiveMessage`.
    ReceiveMessagePayload: ReceivedMessage {
        /// Who wrote.
        customer_id: Of<CustomerId> = |received| Some(Of(received.customer_id)),
        /// The new message.
        message_id: Of<MessageId> = |received| Some(Of(received.message_id)),
        /// The conversation that it is part of.
        conversation_id: Of<ConversationId> = |received| received.conversation_id.map(Of),
    }
}

payload! {
    /// The answer to `cancelMessage`.
    CancelMessagePayload: MessageId {
        /// Which message.
        message_id: Of<MessageId> = |id| Some(Of(*id)),
    }
}

payload! {
    /// The answer to `resolveInDoubt`.
    ResolveInDoubtPayload: () {
        /// True if the message is settled.
        resolved: bool = |()| Some(true),
    }
}

/// What an operator knows of a message in doubt.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It was sent: the provider's own pages show it, or the receiver has it.
    Sent,
    /// It stays unsent.
    NotSent,
    /// It is sent once more, at the risk of a second copy. For transactional messages only.
    SendAgain,
}

/// Mutations on messages.
#[derive(Default)]
pub struct MessageMutations;

#[Object]
impl MessageMutations {
    /// Asks for a message to be sent; the answer tells whether it is queued, held or suppressed, and by which rule.
    /// Needs the permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        input: SendMessageInput,
        #[graphql(desc = "The same key with the same input sends once.")] idempotency_key: Option<String>,
    ) -> Result<SendMessagePayload> {
        let canned = input.canned_reply.map(|code| UseCannedReply { code, agent: input.agent_name });
        let command = SendMessage {
            customer_id: input.customer_id.0,
            channel: input.channel.into(),
            class: input.class.into(),
            topic: input.topic,
            address_id: input.address_id.map(|id| id.0),
            subject: input.subject,
            body: input.body,
            send_at: input.send_at,
            in_reply_to: input.in_reply_to.map(|id| id.0),
            campaign_id: input.campaign_id.map(|id| id.0),
            variant: input.variant,
            attachments: input.attachments.unwrap_or_default(),
        };
        let outcome = Api::of(ctx)?.app.send_message(&caller(ctx, idempotency_key)?, command, canned).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Takes a message back that was not dispatched yet.
    #[graphql(guard = "May(Permission::Send)")]
    async fn cancel_message(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        message_id: Of<MessageId>,
        #[graphql(desc = "Why; no personal data.")] reason: String,
        idempotency_key: Option<String>,
    ) -> Result<CancelMessagePayload> {
        let command = CancelMessage { customer_id: customer_id.0, message_id: message_id.0, reason };
        let outcome = Api::of(ctx)?.app.cancel_message(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Settles a message of which nobody knows whether the provider took it. Needs the permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn resolve_in_doubt(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        message_id: Of<MessageId>,
        resolution: Resolution,
        idempotency_key: Option<String>,
    ) -> Result<ResolveInDoubtPayload> {
        let resolution = match resolution {
            Resolution::Sent => dispatch::Resolution::Sent,
            Resolution::NotSent => dispatch::Resolution::NotSent,
            Resolution::SendAgain => dispatch::Resolution::SendAgain,
        };
        let command = ResolveInDoubt { customer_id: customer_id.0, message_id: message_id.0, resolution };
        let outcome = Api::of(ctx)?.app.resolve_in_doubt(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Takes in a message that a customer wrote.
    #[graphql(guard = "May(Permission::Record)")]
    async fn receive_message(
        &self,
        ctx: &Context<'_>,
        input: ReceiveMessageInput,
        idempotency_key: Option<String>,
    ) -> Result<ReceiveMessagePayload> {
        let command = ReceiveMessage {
            customer_id: input.customer_id.map(|id| id.0),
            channel: input.channel.into(),
            from: input.from,
            to: input.to,
            subject: input.subject,
            body: input.body,
            occurred_at: input.occurred_at,
            in_reply_to: input.in_reply_to.map(|id| id.0),
            provider: input.provider.unwrap_or_else(|| "api".to_owned()),
            provider_message_id: input.provider_message_id,
            hint: None,
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.receive_message(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
