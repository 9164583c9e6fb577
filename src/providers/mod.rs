//! Providers: the ports that each of them implements. One folder per provider.
//!
//! A provider takes one message at a time and says what came of it; what happens later comes back as callbacks, which a
//! process hands to the use cases. A provider knows nothing of the log.

pub mod simulator;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use crate::domain::value::message::{MessageKey, Report, RetryClass, Route};
use crate::domain::value::{Channel, Currency};
use crate::ids::{AddressId, CustomerId, MessageId, TenantId};

/// A message to be sent.
#[derive(Clone)]
pub struct OutboundMessage {
    /// Whose it is.
    pub tenant: TenantId,
    /// To whom it goes.
    pub customer_id: CustomerId,
    /// Which message.
    pub key: MessageKey,
    /// The address as an aggregate.
    pub address_id: Option<AddressId>,
    /// The how-many-eth time that a provider is called for it, from 1.
    pub attempt: u32,
    /// The address, normalised.
    pub to: String,
    /// The subject, for email.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
}

impl std::fmt::Debug for OutboundMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundMessage")
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// A provider took the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id of the message.
    pub provider_message_id: Option<String>,
    /// SMS segments; 1 on other channels.
    pub segments: u32,
    /// What it cost, in micros of the currency.
    pub cost: Option<(i64, Currency)>,
}

/// A provider did not take the message, or nobody knows whether it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It definitely did not; `class` says what to do about it.
    #[error("the provider refused the message: {class}")]
    Refused {
        /// What to do about it.
        class: RetryClass,
        /// Its code.
        code: Option<String>,
        /// Its words.
        detail: String,
    },
    /// It may have: the connection was lost or timed out after the request had left. Never a reason to send again.
    #[error("nobody knows whether the provider took the message: {cause}")]
    Ambiguous {
        /// `timeout`, `connection_lost`.
        cause: &'static str,
    },
}

/// A provider's account, able to send.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its name, account and (for email) sending domain, as events name them.
    fn route(&self) -> &Route;

    /// The channels that it serves.
    fn channels(&self) -> &[Channel];

    /// Hands a message over. Called at most once for each attempt.
    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError>;
}

/// What a provider tells later.
#[derive(Debug, Clone, PartialEq)]
pub enum Callback {
    /// About a message that it took.
    Report {
        /// Whose message it is.
        tenant: TenantId,
        /// To whom it went.
        customer_id: CustomerId,
        /// Which message.
        key: MessageKey,
        /// Which way it left.
        route: Route,
        /// Where it went.
        address_id: Option<AddressId>,
        /// When it happened, by the provider's clock.
        occurred_at: DateTime<Utc>,
        /// Its id of the event, where it has one.
        provider_event_id: Option<String>,
        /// What happened.
        report: Report,
    },
    /// A customer wrote.
    Inbound {
        /// To whose number or mailbox.
        tenant: TenantId,
        /// Who wrote, if the provider's echo of our token tells.
        customer_id: Option<CustomerId>,
        /// How.
        channel: Channel,
        /// The provider's name.
        provider: String,
        /// Its id of the message.
        provider_message_id: String,
        /// The customer's address.
        from: String,
        /// The subject, for email.
        subject: Option<String>,
        /// The text.
        body: String,
        /// Our message that it answers, if that is known.
        in_reply_to: Option<MessageId>,
        /// When it was written, by the provider's clock.
        occurred_at: DateTime<Utc>,
    },
}

/// Callbacks as they come in.
pub type Callbacks = BoxStream<'static, Callback>;
