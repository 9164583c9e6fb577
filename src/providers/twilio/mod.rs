//! Twilio: SMS and MMS, and what its webhook reports of them.
//!
//! Wire format: the Messages resource of the API of 2010-04-01 (`twilio-oai`, `twilio_api_v2010.json`), and the pages on
//! message status callbacks, webhooks and errors of `docs.twilio.com`.

mod errors;
mod find;
mod media;
mod send;
mod settings;
mod signature;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use settings::{TwilioAuth, TwilioSender, TwilioSettings};
pub use signature::sign;
pub use webhook::TwilioWebhook;

use super::{Accepted, Found, MediaError, OutboundMessage, Provider, SendError, SettingsError, Unconfirmed};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::Route;
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "twilio";

/// What Twilio is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Twilio",
    channels: &[Channel::Sms],
    settings: settings::SETTINGS,
    domains: &["twilio.com"],
    // Error 21617: the concatenated message exceeds 1,600 characters.
    limits: &[Limits { longest_text: Some(1_600), ..Limits::none(Channel::Sms) }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = TwilioSettings::read(&setup)?;
    let own_address = match &settings.sender {
        TwilioSender::From(from) => Some(from.clone()),
        TwilioSender::Service(_) => None,
    };
    let webhook = Arc::new(TwilioWebhook::try_new(&settings)?);
    let provider = Arc::new(Twilio::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// One Twilio account.
pub struct Twilio {
    settings: TwilioSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
}

impl Twilio {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: TwilioSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route { provider: PROVIDER.to_owned(), account: settings.account_name.clone(), domain: None };
        Ok(Self { settings, client, ambient, route })
    }
}

#[async_trait]
impl Provider for Twilio {
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
        channel == Channel::Sms && self.settings.can_send_media
    }

    async fn fetch_media(&self, url: &str) -> Result<Bytes, MediaError> {
        media::fetch(self, url).await
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        send::send(self, &message).await
    }

    async fn find(&self, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
        find::find(self, message).await
    }

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
