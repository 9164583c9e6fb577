//! Commands on messages.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::customer::event::Source;
use crate::domain::message::event::MessageClass;
use crate::domain::value::Channel;
use crate::domain::value::message::{MessageKey, Report, Route};
use crate::ids::{AddressId, CampaignId, ConversationId, CustomerId, MessageId};

/// Asks for a message to be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SendMessage {
    /// To whom.
    pub customer_id: CustomerId,
    /// How.
    pub channel: Channel,
    /// What it is for.
    pub class: MessageClass,
    /// The topic that consent is judged for, such as `newsletter`.
    pub topic: String,
    /// Which of the customer's addresses; absent: the primary one.
    pub address_id: Option<AddressId>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
    /// Not before this time.
    pub send_at: Option<DateTime<Utc>>,
    /// The message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// The campaign that it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The campaign's variant.
    pub variant: Option<String>,
}

/// What was decided about a message that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendDecision {
    /// It goes out as soon as a dispatcher takes it.
    Queued,
    /// It waits.
    Held {
        /// Until when.
        until: DateTime<Utc>,
        /// Which rule holds it.
        rule: String,
    },
    /// It is not sent.
    Suppressed {
        /// Which rule forbids it.
        rule: String,
    },
}

/// The answer to [`SendMessage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// The new message.
    pub message_id: MessageId,
    /// What was decided.
    pub decision: SendDecision,
}

/// Takes a message back that was not dispatched yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CancelMessage {
    /// To whom it would have gone.
    pub customer_id: CustomerId,
    /// Which one.
    pub message_id: MessageId,
    /// Why; no personal data.
    pub reason: String,
}

/// Takes in a message that a customer wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceiveMessage {
    /// Who wrote; absent: whoever has the address `from`, or a new customer.
    pub customer_id: Option<CustomerId>,
    /// How it came.
    pub channel: Channel,
    /// The customer's address.
    pub from: Option<String>,
    /// Our address.
    pub to: Option<String>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// The text, kept exactly.
    pub body: String,
    /// When it was written; absent: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Our message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// Who handed it over: a provider's name, `api`.
    pub provider: String,
    /// The provider's id of the message: the same id is taken in once.
    pub provider_message_id: Option<String>,
    /// Where it comes from.
    pub source: Source,
}

/// The answer to [`ReceiveMessage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Who wrote.
    pub customer_id: CustomerId,
    /// The new message.
    pub message_id: MessageId,
    /// The conversation that it is part of.
    pub conversation_id: Option<ConversationId>,
}

/// A provider's callback about a message that it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordProviderFact {
    /// Whom the message went to.
    pub customer_id: CustomerId,
    /// Which message.
    pub key: MessageKey,
    /// Which way it left.
    pub route: Route,
    /// Where it went: hard bounces, complaints and opt-outs are facts about this address.
    pub address_id: Option<AddressId>,
    /// When it happened, by the provider's clock.
    pub occurred_at: DateTime<Utc>,
    /// The provider's id of the callback's event, where it has one: repetitions are told by it. Without one, they are
    /// told by what is reported and when.
    pub provider_event_id: Option<String>,
    /// What happened.
    pub report: Report,
}
