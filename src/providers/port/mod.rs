//! The ports that a provider implements: sending ([`Provider`]), hearing of it over HTTP ([`Webhook`]), and where nobody
//! calls back, out of a mailbox ([`Mailbox`]). A provider knows nothing of the log. Services that check addresses send nothing, and
//! implement a port of their own ([`Validator`]).

mod callback;
mod mailbox;
mod outbound;
mod validator;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use callback::{Callback, Callbacks};
pub use mailbox::{Mailbox, MailboxError, OpenMailbox};
pub use outbound::{
    Accepted, Attachment, Content, EmailContent, Found, MediaError, NotificationContent, OutboundMessage, SendError,
    TextContent, Unconfirmed, VoiceContent, WhatsappContent,
};
pub use validator::{Validator, ValidatorError};
pub use webhook::{
    Answer, Hints, Inbound, Incomplete, MediaRef, NOT_FETCHED, Notice, NoticeKind, ReceiverReport, SignatureError,
    Webhook, WebhookRequest,
};

use crate::domain::value::Channel;
use crate::domain::value::engagement::Tracks;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::Route;

/// A provider's account, able to send.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its name, account and (for email) sending domain, as events name them.
    fn route(&self) -> &Route;

    /// The channels that it serves.
    fn channels(&self) -> &[Channel];

    /// What it takes on a channel: more would be refused.
    fn limits(&self, channel: Channel) -> Limits {
        Limits::none(channel)
    }

    /// Hands a message over. Called at most once for each attempt; never retries by itself.
    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError>;

    /// Looks for a message of which nobody knows whether the provider took it. Only [`Some`] means anything: a provider
    /// that finds nothing, or has no way to look, has not said that the message was not taken.
    async fn find(&self, _message: &Unconfirmed) -> Result<Option<Found>, SendError> {
        Ok(None)
    }

    /// Whether the code of a refusal says that the address is no longer one: a device's token that its app gave up. The address is
    /// then taken from the customer, so that the next message goes to another one.
    fn is_gone(&self, _code: &str) -> bool {
        false
    }

    /// Whether its messages on a channel carry files: in the mail itself for email, by public URLs
    /// elsewhere.
    fn carries_files(&self, _channel: Channel) -> bool {
        false
    }

    /// What it tracks of its messages by itself: it is not tracked twice.
    fn tracks(&self) -> Tracks {
        Tracks::default()
    }

    /// Fetches a file that an incoming message names, with the account's credentials. `url` was written by outsiders: one
    /// that does not lead to the provider's own store of this account is not called.
    async fn fetch_media(&self, _url: &str) -> Result<Bytes, MediaError> {
        Err(MediaError::Never("not_fetched"))
    }

    /// Tests the account without sending: whether the provider can be reached, knows the credentials, and lets them send.
    async fn check(&self) -> Result<(), SendError> {
        Ok(())
    }

    /// The mailbox that its mail comes back to, where it is to be looked into.
    fn mailbox(&self) -> Option<Arc<dyn Mailbox>> {
        None
    }
}
