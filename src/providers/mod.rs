//! Providers: the ports that each of them implements. One folder per provider.
//!
//! A provider takes one message at a time and says what came of it ([`Provider`]); what happens later comes back through
//! its webhook, which proves who speaks and takes apart what is told ([`Webhook`]). A provider knows nothing of the log.
//! ARCHITECTURE.md lists what a new one needs.

mod callback;
pub mod client;
mod mime;
mod outbound;
mod secret;
pub mod sendgrid;
pub mod simulator;
mod texts;
pub mod twilio;
mod webhook;

use async_trait::async_trait;

pub use callback::{Callback, Callbacks};
pub use outbound::{Accepted, Attachment, Found, OutboundMessage, SendError, Unconfirmed};
pub use secret::Secret;
pub use webhook::{Answer, Hints, Inbound, Keyword, MediaRef, SignatureError, Told, ToldKind, Webhook, WebhookRequest};

use crate::domain::value::Channel;
use crate::domain::value::message::Route;

/// A provider's account, able to send.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its name, account and (for email) sending domain, as events name them.
    fn route(&self) -> &Route;

    /// The channels that it serves.
    fn channels(&self) -> &[Channel];

    /// Hands a message over. Called at most once for each attempt; never retries by itself.
    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError>;

    /// Looks for a message of which nobody knows whether the provider took it. Only [`Some`] means anything: a provider
    /// that finds nothing, or has no way to look, has not said that the message was not taken.
    async fn find(&self, _message: &Unconfirmed) -> Result<Option<Found>, SendError> {
        Ok(None)
    }

    /// Tests the account without sending: whether the provider can be reached, knows the credentials, and lets them send.
    async fn check(&self) -> Result<(), SendError> {
        Ok(())
    }
}

/// Settings with which a provider cannot be built. Names the setting, never its value.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A setting is missing or not of the right form.
    #[error("{provider}: {setting} {reason}")]
    Setting {
        /// The provider's name.
        provider: &'static str,
        /// Which setting.
        setting: &'static str,
        /// What it must be.
        reason: &'static str,
    },
}
