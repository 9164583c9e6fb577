//! The providers that accounts can be set up at.

use async_graphql::SimpleObject;

use crate::domain::value::limits::Limits;
use crate::graphql::engine::scalar::Long;
use crate::graphql::engine::words::Channel;
use crate::providers::kind::{Kind, Setting};

/// A provider that accounts can be set up at.
#[derive(SimpleObject, Clone)]
pub struct Provider {
    /// Its name in `configureAccount` and in the configuration, such as `twilio`.
    name: String,
    /// Its name for people, such as `Twilio`.
    title: String,
    /// The channels that its accounts serve.
    channels: Vec<Channel>,
    /// The settings of an account.
    settings: Vec<ProviderSetting>,
    /// What it takes on each channel: a message beyond it is refused before it is queued.
    limits: Vec<ProviderLimits>,
}

/// A setting of a provider's accounts.
#[derive(SimpleObject, Clone)]
pub struct ProviderSetting {
    /// Its name in `configureAccount` and in the configuration.
    name: String,
    /// True if it is given among the secrets, where it is sealed and never shown.
    secret: bool,
    /// True if an account needs it.
    required: bool,
    /// The kind.
    help: String,
    /// The environment variable that sets it for the account `default`.
    environment_variable: Option<String>,
    /// What counts if it is left out.
    default_value: Option<String>,
}

/// What a provider takes on a channel.
#[derive(SimpleObject, Clone)]
pub struct ProviderLimits {
    /// The channel.
    channel: Channel,
    /// The longest text, in characters; absent: no limit of the provider's is known.
    longest_text: Option<i32>,
    /// The largest message with its files as they are sent, in bytes.
    largest_message: Option<Long>,
    /// True if a message without a subject is refused.
    needs_subject: bool,
    /// True if a file of no bytes is refused.
    refuses_empty_files: bool,
}

impl From<&Kind> for Provider {
    fn from(kind: &Kind) -> Self {
        Self {
            name: kind.name.to_owned(),
            title: kind.title.to_owned(),
            channels: kind.channels.iter().copied().map(Into::into).collect(),
            settings: kind.settings.iter().copied().map(Into::into).collect(),
            limits: kind.limits.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Setting> for ProviderSetting {
    fn from(setting: &Setting) -> Self {
        Self {
            name: setting.name.to_owned(),
            secret: setting.is_secret,
            required: setting.is_required,
            help: setting.help.to_owned(),
            environment_variable: setting.variable.map(str::to_owned),
            default_value: setting.default.map(str::to_owned),
        }
    }
}

impl From<&Limits> for ProviderLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            channel: limits.channel.into(),
            longest_text: limits.longest_text.and_then(|most| i32::try_from(most).ok()),
            largest_message: limits.largest_message.and_then(|most| i64::try_from(most).ok()).map(Long),
            needs_subject: limits.needs_subject,
            refuses_empty_files: limits.refuses_empty_files,
        }
    }
}
