//! Mutations on messages.

use async_graphql::{Context, Enum, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::object::Message;
use super::template::{MessageTemplateInput, TestMessageInput};
use crate::app::{Outcome, ResolveInDoubt};
use crate::domain::canned::decide::UseCannedReply;
use crate::domain::customer::event::Source;
use crate::domain::message::decide::{
    CancelMessage, ReceiveMessage, ReceivedMessage, SendDecision, SendMessage, SendRequest, SentMessage,
};
use crate::domain::message::dispatch;
use crate::domain::refusal::Refusal;
use crate::graphql::conversation::object::Conversation;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Tables;
use crate::graphql::engine::words::{Channel, MessageClass};
use crate::ids::{AddressId, CampaignId, ConversationId, CustomerId, MessageId};
use crate::rendering::Business;

/// A message to send.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// The customer's id.
    customer_id: Of<CustomerId>,
    /// The channel.
    channel: Channel,
    /// The message's class; transactional messages need no marketing consent.
    class: MessageClass,
    /// The topic whose consent is checked, such as `newsletter`.
    topic: String,
    /// The customer's address; default: the primary one.
    address_id: Option<Of<AddressId>>,
    /// The subject, for email. A reply without one gets `Re:` and the subject of what it answers.
    subject: Option<String>,
    /// Plain text; may be left out with a canned reply or a template.
    #[graphql(default)]
    body: String,
    /// The code of a canned reply, whose text in the customer's locale becomes the body unless `body` is given. The
    /// message records the revision.
    canned_reply: Option<String>,
    /// The name for `{{agent.name}}` in a canned reply; default: the conversation's assignee.
    agent_name: Option<String>,
    /// The template whose text in the customer's locale becomes subject and body; neither may be given then. The message
    /// keeps what was made, with the version. Not for PUSH and IN_APP; a template for marketing needs the class `MARKETING`.
    template: Option<MessageTemplateInput>,
    /// Not sent before this time.
    send_at: Option<DateTime<Utc>>,
    /// The message that it replies to.
    in_reply_to: Option<Of<MessageId>>,
    /// The campaign that it belongs to.
    campaign_id: Option<Of<CampaignId>>,
    /// The campaign's variant.
    variant: Option<String>,
    /// The message's files: the tokens that `POST /attachments?customer=…` returned as `attachment`, at most ten. Mails
    /// carry any kind, text messages pictures and a few others.
    attachments: Option<Vec<String>>,
}

impl SendMessageInput {
    /// The command, and what is known of the customer's business.
    pub(super) async fn read(self, ctx: &Context<'_>) -> Result<std::result::Result<(SendRequest, Business), Refusal>> {
        let message = SendMessage {
            customer_id: self.customer_id.0,
            channel: self.channel.into(),
            class: self.class.into(),
            topic: self.topic,
            address_id: self.address_id.map(|id| id.0),
            subject: self.subject,
            body: self.body,
            send_at: self.send_at,
            in_reply_to: self.in_reply_to.map(|id| id.0),
            campaign_id: self.campaign_id.map(|id| id.0),
            variant: self.variant,
            attachments: self.attachments.unwrap_or_default(),
        };
        let canned_reply = self.canned_reply.map(|code| UseCannedReply { code, agent: self.agent_name });
        let (template, business) = match self.template {
            Some(_) if canned_reply.is_some() => {
                return Ok(Err(Refusal::invalid("template", "cannot be given together with cannedReply")));
            }
            Some(template) => {
                let (template, business) = template.read(ctx, message.customer_id).await?;
                (Some(template), business)
            }
            None => (None, Business::default()),
        };
        Ok(Ok((SendRequest { message, canned_reply, template }, business)))
    }
}

/// A message that a customer wrote.
#[derive(InputObject)]
pub struct ReceiveMessageInput {
    /// The customer who wrote; default: the customer with the address `from`, or a new one.
    customer_id: Option<Of<CustomerId>>,
    /// The channel.
    channel: Channel,
    /// The customer's address.
    from: Option<String>,
    /// Our address.
    to: Option<String>,
    /// The subject, for email.
    subject: Option<String>,
    /// The text, kept exactly.
    body: String,
    /// When it was written; default: now.
    occurred_at: Option<DateTime<Utc>>,
    /// Our message that it replies to.
    in_reply_to: Option<Of<MessageId>>,
    /// The provider that delivered it; default: `api`.
    provider: Option<String>,
    /// The provider's id of the message; the same id is recorded once.
    provider_message_id: Option<String>,
}

/// The decision on a requested message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The message is sent as soon as a dispatcher takes it.
    Queued,
    /// The message waits.
    Held,
    /// The message is not sent.
    Suppressed,
}

impl From<&SendDecision> for Decision {
    fn from(decision: &SendDecision) -> Self {
        match decision {
            SendDecision::Queued => Self::Queued,
            SendDecision::Held { .. } => Self::Held,
            SendDecision::Suppressed { .. } => Self::Suppressed,
        }
    }
}

payload! {
    /// The result of `sendMessage`.
    SendMessagePayload of complex: SentMessage {
        /// The new message.
        message_id: Of<MessageId> = |sent| Some(Of(sent.message_id)),
        /// The decision. A suppressed message is not a refusal: it appears in the timeline with its reason.
        decision: Decision = |sent| Some((&sent.decision).into()),
        /// The rule that holds or suppresses it.
        rule: String = |sent| match &sent.decision {
            SendDecision::Held { rule, .. } | SendDecision::Suppressed { rule } => Some(rule.clone()),
            SendDecision::Queued => None,
        },
        /// The end of the hold.
        held_until: DateTime<Utc> = |sent| match sent.decision {
            SendDecision::Held { until, .. } => Some(until),
            _ => None,
        },
    }
}

shows! {
    SendMessagePayload {
        /// The message after this mutation; waits for the read tables.
        message: Message = |ctx, payload| by!(payload.message_id, |id: Of<_>| Message::load(ctx, id.0)),
    }
}

payload! {
    /// The result of `receiveMessage`.
    ReceiveMessagePayload of complex: ReceivedMessage {
        /// The customer who wrote.
        customer_id: Of<CustomerId> = |received| Some(Of(received.customer_id)),
        /// The new message.
        message_id: Of<MessageId> = |received| Some(Of(received.message_id)),
        /// The conversation that it belongs to.
        conversation_id: Of<ConversationId> = |received| received.conversation_id.map(Of),
    }
}

shows! {
    ReceiveMessagePayload {
        /// The message after this mutation; waits for the read tables.
        message: Message = |ctx, payload| by!(payload.message_id, |id: Of<_>| Message::load(ctx, id.0)),
        /// The customer who wrote, after this mutation; waits for the read tables.
        customer: Customer = |ctx, payload| by!(payload.customer_id, |id: Of<_>| Customer::load(ctx, id.0)),
        /// The conversation after this mutation; waits for the read tables.
        conversation: Conversation = |ctx, payload| by!(payload.conversation_id, |id: Of<_>| {
            Conversation::load_from(ctx, id.0, Tables::Live)
        }),
    }
}

payload! {
    /// The result of `cancelMessage`.
    CancelMessagePayload of complex: MessageId {
        /// The message's id.
        message_id: Of<MessageId> = |id| Some(Of(*id)),
    }
}

shows! {
    CancelMessagePayload {
        /// The message after this mutation; waits for the read tables.
        message: Message = |ctx, payload| by!(payload.message_id, |id: Of<_>| Message::load(ctx, id.0)),
    }
}

payload! {
    /// The result of `resolveInDoubt`.
    ResolveInDoubtPayload of complex: MessageId {
        /// The message's id.
        message_id: Of<MessageId> = |id| Some(Of(*id)),
        /// True if the message is resolved.
        resolved: bool = |_| Some(true),
    }
}

shows! {
    ResolveInDoubtPayload {
        /// The message after this mutation; waits for the read tables.
        message: Message = |ctx, payload| by!(payload.message_id, |id: Of<_>| Message::load(ctx, id.0)),
    }
}

/// The outcome of a message in doubt, as an operator knows it.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It was sent: the provider's console shows it, or the recipient has it.
    Sent,
    /// It was not sent and stays unsent.
    NotSent,
    /// It is sent again, at the risk of a second copy. Transactional messages only.
    SendAgain,
}

/// Mutations on messages.
#[derive(Default)]
pub struct MessageMutations;

#[Object]
impl MessageMutations {
    /// Requests a message; the result says whether it is queued, held or suppressed, and by which rule. Requires
    /// permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message and its receiver.")] input: SendMessageInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input sends once.")]
        idempotency_key: Option<String>,
    ) -> Result<SendMessagePayload> {
        let app = &Api::of(ctx)?.app;
        let caller = caller(ctx, idempotency_key)?;
        let outcome = match input.read(ctx).await? {
            Err(refusal) => Ok(Outcome::Refused(refusal)),
            Ok((SendRequest { message, canned_reply, template: None }, _)) => {
                app.send_message(&caller, message, canned_reply).await
            }
            Ok((SendRequest { message, template: Some(template), .. }, business)) => {
                app.send_from_template(&caller, message, template, business).await
            }
        };
        answer(ctx, outcome).map(Into::into)
    }

    /// Sends a template or its draft to a customer on record who looks at it, such as its author. The message is
    /// transactional, about the topic `test`, and its subject begins with `[Test]`. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn send_test_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template and the receiver.")] input: TestMessageInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input sends once.")]
        idempotency_key: Option<String>,
    ) -> Result<SendMessagePayload> {
        let (test, business) = input.read(ctx).await?;
        let outcome = Api::of(ctx)?.app.send_test(&caller(ctx, idempotency_key)?, test, business).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Cancels a message that was not dispatched yet.
    #[graphql(guard = "May(Permission::Send)")]
    async fn cancel_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The message's global id.")] message_id: Of<MessageId>,
        #[graphql(desc = "The reason; must not contain personal data.")] reason: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CancelMessagePayload> {
        let command = CancelMessage { customer_id: customer_id.0, message_id: message_id.0, reason };
        let outcome = Api::of(ctx)?.app.cancel_message(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Resolves a message that the provider may or may not have accepted. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn resolve_in_doubt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The message's global id.")] message_id: Of<MessageId>,
        #[graphql(desc = "Sent, not sent, or to be sent once more.")] resolution: Resolution,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ResolveInDoubtPayload> {
        let resolution = match resolution {
            Resolution::Sent => dispatch::Resolution::Sent,
            Resolution::NotSent => dispatch::Resolution::NotSent,
            Resolution::SendAgain => dispatch::Resolution::SendAgain,
        };
        let command = ResolveInDoubt { customer_id: customer_id.0, message_id: message_id.0, resolution };
        let outcome = Api::of(ctx)?.app.resolve_in_doubt(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|()| message_id.0).into())
    }

    /// Records a message from a customer.
    #[graphql(guard = "May(Permission::Record)")]
    async fn receive_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message as it came in.")] input: ReceiveMessageInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
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
            arrival: None,
        };
        let outcome = Api::of(ctx)?.app.receive_message(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
