//! What is handed to a provider, and what it answers.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::domain::value::engagement::Tracks;
use crate::domain::value::form::ProviderTemplate;
use crate::domain::value::message::{MessageKey, Report, RetryClass};
use crate::domain::value::script::VoiceScript;
use crate::domain::value::{Channel, Currency, sms};
use crate::ids::{AddressId, CustomerId, TenantId};

/// A message to be sent: the envelope, the same on every channel, and what it holds.
#[derive(Clone)]
pub struct OutboundMessage {
    /// The tenant that sends it.
    pub tenant: TenantId,
    /// The recipient.
    pub customer_id: CustomerId,
    /// Its id, channel, campaign and conversation.
    pub key: MessageKey,
    /// The recipient's address as an aggregate.
    pub address_id: Option<AddressId>,
    /// The attempt number, from 1.
    pub attempt: u32,
    /// The correlation token ([`crate::domain::value::token`]): opaque to the provider, which echoes it in callbacks.
    pub token: Option<String>,
    /// The recipient's address as it was written: a mailbox, a number in E.164, or a device's token.
    pub to: String,
    /// The sender, instead of the account's own: `a@b.example`, `Name <a@b.example>` or a number in E.164.
    pub from: Option<String>,
    /// What the recipient gets.
    pub content: Content,
}

/// What a recipient gets, by channel: each has the fields that its providers can carry, and no others.
#[derive(Clone)]
pub enum Content {
    /// A mail.
    Email(EmailContent),
    /// An SMS, or an MMS where it has media.
    Text(TextContent),
    /// A WhatsApp message.
    Whatsapp(WhatsappContent),
    /// A call that reads a script.
    Voice(VoiceContent),
    /// A notification on a device.
    Push(NotificationContent),
    /// A notification in the tenant's own application.
    InApp(NotificationContent),
}

/// What a mail holds.
#[derive(Clone, Default)]
pub struct EmailContent {
    /// The subject; most providers refuse a mail without one.
    pub subject: Option<String>,
    /// Plain text; empty only where there is HTML.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// Where replies go: an address that carries a reply token.
    pub reply_to: Option<String>,
    /// Further headers: `Message-ID`, `In-Reply-To`, `References`, `List-Unsubscribe`, `List-Unsubscribe-Post`, `Feedback-ID`.
    pub headers: Vec<(String, String)>,
    /// Files that travel in the mail.
    pub attachments: Vec<Attachment>,
    /// What we track of it already: the provider is told not to.
    pub tracked: Tracks,
}

/// What an SMS or MMS holds.
#[derive(Clone, Default)]
pub struct TextContent {
    /// The text; empty only where there are media.
    pub body: String,
    /// Public URLs of pictures and the like: the provider fetches them.
    pub media_urls: Vec<String>,
}

/// What a WhatsApp message holds.
#[derive(Clone, Default)]
pub struct WhatsappContent {
    /// The text, or a medium's caption.
    pub body: String,
    /// Public URLs of pictures, documents and the like: the provider fetches them.
    pub media_urls: Vec<String>,
    /// The template that it is made of: then that is what is sent, and `body` is how the customer reads it.
    pub template: Option<ProviderTemplate>,
}

/// What a call says.
#[derive(Clone, Default)]
pub struct VoiceContent {
    /// The words to be read.
    pub script: String,
    /// The same in steps, with the voice and what keys and machines do; absent: nobody wrote more than the words.
    pub steps: Option<VoiceScript>,
}

/// What a notification shows, on a device or in an application.
#[derive(Clone, Default)]
pub struct NotificationContent {
    /// The line above the text.
    pub title: Option<String>,
    /// The text.
    pub body: String,
}

impl Content {
    /// What a channel's message holds, from a subject (a mail's; a notification's title) and a text. Channels without a
    /// subject do not carry one.
    #[must_use]
    pub fn of(channel: Channel, subject: Option<String>, text: String) -> Self {
        match channel {
            Channel::Email => Self::Email(EmailContent { subject, text, ..EmailContent::default() }),
            Channel::Sms => Self::Text(TextContent { body: text, media_urls: vec![] }),
            Channel::Whatsapp => Self::Whatsapp(WhatsappContent { body: text, ..WhatsappContent::default() }),
            Channel::Voice => Self::Voice(VoiceContent { script: text, steps: None }),
            Channel::Push => Self::Push(NotificationContent { title: subject, body: text }),
            Channel::InApp => Self::InApp(NotificationContent { title: subject, body: text }),
        }
    }

    /// The SMS segments that it takes; 1 on other channels.
    #[must_use]
    pub fn segments(&self) -> u32 {
        match self {
            Self::Text(text) => sms::segments(&text.body),
            Self::Email(_) | Self::Whatsapp(_) | Self::Voice(_) | Self::Push(_) | Self::InApp(_) => 1,
        }
    }
}

impl OutboundMessage {
    /// A first attempt, with the account's own sender and without a token.
    #[must_use]
    pub fn new(tenant: TenantId, customer_id: CustomerId, key: MessageKey, to: String, content: Content) -> Self {
        Self { tenant, customer_id, key, address_id: None, attempt: 1, token: None, to, from: None, content }
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
        /// The provider's error code.
        code: Option<String>,
        /// The provider's words, bounded.
        detail: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It may have: the connection was lost or timed out after the request had left, or what came back was not an
    /// answer of the provider. Never a reason to send again.
    #[error("the provider may or may not have accepted the message: {cause}")]
    Ambiguous {
        /// `timeout`, `connection_lost`, `half_an_answer`, `server_error`, `not_an_answer`, `partly_accepted` (some parts of a
        /// long SMS left, others did not).
        cause: &'static str,
    },
}

impl SendError {
    /// A refusal that says nothing about when to come back.
    pub fn refused(class: RetryClass, code: Option<String>, detail: impl Into<String>) -> Self {
        Self::Refused { class, code, detail: detail.into(), retry_after: None }
    }

    /// The account does not serve the channel of the message that it was given.
    #[must_use]
    pub fn channel_not_served() -> Self {
        let detail = "the account does not serve the message's channel";
        Self::refused(RetryClass::Configuration, Some("channel_not_served".to_owned()), detail)
    }

    /// The account's messages carry no files, and this one has some.
    #[must_use]
    pub fn files_not_carried() -> Self {
        let detail = "the account's messages carry no files";
        Self::refused(RetryClass::ContentRefused, Some("files_not_carried".to_owned()), detail)
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
    /// The message's id, channel, campaign and conversation.
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
