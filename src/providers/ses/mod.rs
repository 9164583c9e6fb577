//! Amazon SES: email through its API of version 2, what it reports through Amazon SNS, and mail that it receives.
//!
//! Wire format: the crate `aws-sdk-sesv2`, the developer guides of SES and SNS, and the SNS message manager of
//! `aws-sdk-java-v2`. Calls are signed by `aws-sigv4`; they are made by our own client, which repeats nothing.

mod bounces;
mod calls;
mod endpoints;
mod errors;
mod events;
mod inbound;
mod mail;
mod send;
mod settings;
mod sns;
mod token;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;

pub use settings::{SesCredentials, SesSettings};
pub use webhook::SesWebhook;

use super::{Accepted, OutboundMessage, Provider, SendError, SettingsError};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::engagement::Tracks;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::Route;
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;
use calls::Caller;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "ses";

/// What Amazon SES is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Amazon SES",
    channels: &[Channel::Email],
    settings: settings::SETTINGS,
    domains: &["amazonaws.com", "amazonaws.com.cn"],
    callbacks: &[
        "SNS, Topics: a standard topic; Create subscription: HTTPS, {url}. It is confirmed by itself once `topic_arns` names the topic.",
        "SES, Configuration sets, the one of `configuration_set`, Event destinations: that topic, with all events.",
        "For replies: SES, Email receiving, a rule for `reply_domain`: publish to a topic that `topic_arns` names too.",
    ],
    // 40 MB for the whole mail as it is written, less what headers and markup take; no SMTPUTF8.
    limits: &[Limits {
        largest_message: Some(40_000_000 - 100_000),
        refuses_international_mailboxes: true,
        ..Limits::none(Channel::Email)
    }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = SesSettings::read(&setup)?;
    let own_address = Some(settings.from_address().to_owned());
    let webhook = Arc::new(SesWebhook::try_new(&settings, setup.client.clone(), setup.ambient.clone())?);
    let provider = Arc::new(Ses::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// One account of SES in one region.
///
/// A message in doubt cannot be looked up: SES finds messages by its own id only, which an answer that was lost would have
/// named. Its `Send` event is the evidence, and carries the token.
pub struct Ses {
    settings: SesSettings,
    caller: Caller,
    route: Route,
}

impl Ses {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: SesSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route {
            provider: PROVIDER.to_owned(),
            account: settings.account_name.clone(),
            domain: Some(settings.domain.clone()),
        };
        let caller = Caller::new(settings.credentials.clone(), client, ambient);
        Ok(Self { settings, caller, route })
    }
}

#[async_trait]
impl Provider for Ses {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        KIND.channels
    }

    fn limits(&self, channel: Channel) -> Limits {
        KIND.limits_on(channel)
    }

    fn carries_files(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    fn tracks(&self) -> Tracks {
        Tracks { opens: self.settings.tracks_opens, clicks: self.settings.tracks_clicks }
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        send::send(self, &message).await
    }

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
