//! Providers: one folder each, which implements the ports of `port` with the tools of `kit`.
//!
//! A provider takes one message at a time and reports what came of it ([`Provider`]); what happens later comes back through
//! its webhook, which proves who speaks and takes apart what is reported ([`Webhook`]). ARCHITECTURE.md lists what a new
//! one needs.

pub mod bird;
pub mod briteverify;
pub mod fcm;
pub mod in_app;
pub mod kind;
pub mod kit;
pub mod mailgun;
pub mod messagebird;
pub mod neverbounce;
mod port;
pub mod resend;
pub mod sendgrid;
pub mod ses;
pub mod simulator;
pub mod smtp;
pub mod twilio;
pub mod vonage;

use std::borrow::Cow;

pub use port::{
    Accepted, Answer, Attachment, Callback, Callbacks, Content, EmailContent, Found, Hints, Inbound, Incomplete,
    Mailbox, MailboxError, MediaError, MediaRef, NOT_FETCHED, Notice, NoticeKind, NotificationContent, OpenMailbox,
    OutboundMessage, Provider, ReceiverReport, SendError, SignatureError, TextContent, Unconfirmed, Validator,
    ValidatorError, VoiceContent, Webhook, WebhookRequest, WhatsappContent,
};

pub use crate::domain::value::secret::Secret;

/// The providers that accounts can be set up at.
const ALL: &[&kind::Kind] = &[
    &twilio::KIND,
    &vonage::KIND,
    &messagebird::KIND,
    &bird::KIND,
    &sendgrid::KIND,
    &mailgun::KIND,
    &resend::KIND,
    &ses::KIND,
    &smtp::KIND,
    &fcm::KIND,
    &in_app::KIND,
];

/// The services that addresses can be checked at.
const VALIDATORS: &[&kind::ValidatorKind] = &[&twilio::LOOKUP, &neverbounce::KIND, &briteverify::KIND];

/// Settings with which an account cannot be built. Names the setting, never its value.
#[derive(Debug, thiserror::Error)]
#[error("{provider}: {setting} {reason}")]
pub struct SettingsError {
    /// The provider's name.
    pub provider: &'static str,
    /// The setting's name.
    pub setting: Cow<'static, str>,
    /// What is wrong with its value, without the value.
    pub reason: Cow<'static, str>,
}

impl SettingsError {
    /// Says what a provider's setting must be.
    #[must_use]
    pub const fn new(provider: &'static str, setting: &'static str, reason: &'static str) -> Self {
        Self { provider, setting: Cow::Borrowed(setting), reason: Cow::Borrowed(reason) }
    }
}
