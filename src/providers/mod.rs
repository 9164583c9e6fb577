//! Providers: one folder each, which implements the ports of [`port`] with the tools of [`kit`].
//!
//! A provider takes one message at a time and reports what came of it ([`Provider`]); what happens later comes back through
//! its webhook, which proves who speaks and takes apart what is reported ([`Webhook`]). ARCHITECTURE.md lists what a new
//! one needs.

pub mod kit;
mod port;
pub mod sendgrid;
pub mod simulator;
pub mod twilio;

pub use port::{
    Accepted, Answer, Attachment, Callback, Callbacks, Found, Hints, Inbound, Keyword, MediaError, MediaRef, Notice,
    NoticeKind, OutboundMessage, Provider, SendError, SignatureError, Unconfirmed, Webhook, WebhookRequest,
};

pub use crate::domain::value::secret::Secret;

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
