//! What is handed to a provider, and what it answers.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::domain::value::Currency;
use crate::domain::value::message::{MessageKey, Report, RetryClass};
use crate::ids::{AddressId, CustomerId, TenantId};

/// A message to be sent.
#[derive(Clone)]
pub struct OutboundMessage {
    /// Whose it is.
    pub tenant: TenantId,
    /// The recipient's address.
    pub customer_id: CustomerId,
    /// Which message.
    pub key: MessageKey,
    /// The address as an aggregate.
    pub address_id: Option<AddressId>,
    /// The attempt number, from 1.
    pub attempt: u32,
    /// The correlation token ([`crate::domain::value::token`]): opaque to the provider, which echoes it in callbacks.
    pub token: Option<String>,
    /// The address, normalised.
    pub to: String,
    /// The sender, instead of the account's own: `a@b.example`, `Name <a@b.example>` or a number in E.164.
    pub from: Option<String>,
    /// For email, where replies go: an address that carries a reply token.
    pub reply_to: Option<String>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
    /// The same as HTML, for email.
    pub html: Option<String>,
    /// Further headers, for email: `Message-ID`, `In-Reply-To`, `List-Unsubscribe`, `List-Unsubscribe-Post`.
    pub headers: Vec<(String, String)>,
    /// Files, for email.
    pub attachments: Vec<Attachment>,
    /// Public URLs of pictures and the like, for MMS: the provider fetches them.
    pub media_urls: Vec<String>,
}

impl OutboundMessage {
    /// A first attempt with a text alone; everything else is absent.
    #[must_use]
    pub fn text(tenant: TenantId, customer_id: CustomerId, key: MessageKey, to: String, body: String) -> Self {
        Self {
            tenant,
            customer_id,
            key,
            address_id: None,
            attempt: 1,
            token: None,
            to,
            from: None,
            reply_to: None,
            subject: None,
            body,
            html: None,
            headers: vec![],
            attachments: vec![],
            media_urls: vec![],
        }
    }
}

impl std::fmt::Debug for OutboundMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundMessage")
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// A file that goes with a mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, with an extension.
    pub name: String,
    /// Such as `application/pdf`.
    pub content_type: String,
    /// The name by which HTML shows it inline (`cid:`), without angle brackets; absent: a file to be saved.
    pub content_id: Option<String>,
    /// What it holds.
    pub content: Bytes,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment")
            .field("content_type", &self.content_type)
            .field("bytes", &self.content.len())
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
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It may have: the connection was lost or timed out after the request had left, or what came back was not an
    /// answer of the provider. Never a reason to send again.
    #[error("the provider may or may not have accepted the message: {cause}")]
    Ambiguous {
        /// `timeout`, `connection_lost`, `half_an_answer`, `server_error`, `not_an_answer`.
        cause: &'static str,
    },
}

impl SendError {
    /// A refusal that says nothing about when to come back.
    pub fn refused(class: RetryClass, code: Option<String>, detail: impl Into<String>) -> Self {
        Self::Refused { class, code, detail: detail.into(), retry_after: None }
    }
}

/// A file at a provider was not fetched. Reasons are words, such as `foreign_host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// It may be had later.
    #[error("the file could not be fetched: {0}")]
    Later(&'static str),
    /// It never is.
    #[error("the file is not fetched: {0}")]
    Never(&'static str),
}

/// A message of which nobody knows whether the provider took it.
#[derive(Clone)]
pub struct Unconfirmed {
    /// Which message.
    pub key: MessageKey,
    /// The token that went with it.
    pub token: Option<String>,
    /// Where it was to go.
    pub to: String,
    /// The subject, for email.
    pub subject: Option<String>,
    /// The plain text that was handed over.
    pub body: String,
    /// When the provider was called.
    pub called_at: DateTime<Utc>,
    /// When the call was given up.
    pub given_up_at: DateTime<Utc>,
    /// The provider's ids that are known to belong to other messages.
    pub claimed: Vec<String>,
}

impl std::fmt::Debug for Unconfirmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unconfirmed")
            .field("key", &self.key)
            .field("called_at", &self.called_at)
            .finish_non_exhaustive()
    }
}

/// Positive evidence that the provider took a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// As if the call had been answered.
    pub accepted: Accepted,
    /// What has become of it since, where the provider reports it.
    pub report: Option<Report>,
    /// When the provider took it, by its own clock.
    pub accepted_at: Option<DateTime<Utc>>,
}
