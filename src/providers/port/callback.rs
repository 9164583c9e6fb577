//! What a provider inside the process reports: resolved, needing neither proof nor a token. Only the simulator is one.

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use crate::domain::value::Channel;
use crate::domain::value::message::Report;
use crate::domain::value::token::Correlation;
use crate::ids::{CustomerId, MessageId, TenantId};

/// What a provider reports later.
#[derive(Debug, Clone, PartialEq)]
pub enum Callback {
    /// About a message that it took.
    Report {
        /// The message, its recipient and its channel.
        correlation: Correlation,
        /// When it happened, by the provider's clock.
        occurred_at: DateTime<Utc>,
        /// Its id of the event, where it has one.
        provider_event_id: Option<String>,
        /// The event that the provider reports.
        report: Report,
    },
    /// A customer wrote.
    Inbound {
        /// To whose number or mailbox.
        tenant: TenantId,
        /// Who wrote, where the provider's echo of our token says so.
        customer_id: Option<CustomerId>,
        /// The channel.
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
