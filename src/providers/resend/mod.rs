//! Resend: email through its API, and its webhooks, which are Standard Webhooks; incoming mail is announced there and
//! fetched.
//!
//! Wire format: `resend-openapi`, Resend's pages on errors, idempotency keys, webhooks and receiving, and what other
//! integrations have met (`django-anymail`).
//!
//! One call sends one message. The API takes up to a hundred at once, without files and with one answer for all, so that a
//! lost answer would put all of them in doubt: how many calls are made at once is the dispatcher's business.

mod api;
mod errors;
mod events;
mod find;
mod inbound;
mod send;
mod settings;
mod tags;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use settings::ResendSettings;
pub use webhook::ResendWebhook;

use super::{Accepted, Found, MediaError, OutboundMessage, Provider, SendError, SettingsError, Unconfirmed};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::engagement::Tracks;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::Route;
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;
use api::Api;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "resend";

/// What Resend is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Resend",
    channels: &[Channel::Email],
    settings: settings::SETTINGS,
    domains: &["resend.com"],
    callbacks: &[
        "Webhooks, Add webhook: {url}, with all events of emails; for replies `email.received` too.",
        "The webhook's signing secret is `webhook_secret`.",
    ],
    // 40 MB, less what headers and markup take. Amazon SES, which sends for it, takes no other letters than ASCII's before
    // the @.
    limits: &[Limits {
        largest_message: Some(40_000_000 - 100_000),
        needs_subject: true,
        refuses_international_mailboxes: true,
        ..Limits::none(Channel::Email)
    }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = ResendSettings::read(&setup)?;
    let own_address = Some(settings.from.email.clone());
    let webhook = Arc::new(ResendWebhook::try_new(&settings, setup.client.clone())?);
    let provider = Arc::new(Resend::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// One Resend account.
pub struct Resend {
    settings: ResendSettings,
    api: Api,
    ambient: Ambient,
    route: Route,
}

impl Resend {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: ResendSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route {
            provider: PROVIDER.to_owned(),
            account: settings.account_name.clone(),
            domain: Some(settings.domain.clone()),
        };
        let api = Api::new(&settings, client);
        Ok(Self { settings, api, ambient, route })
    }
}

#[async_trait]
impl Provider for Resend {
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

    async fn find(&self, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
        find::find(self, message).await
    }

    async fn fetch_media(&self, url: &str) -> Result<Bytes, MediaError> {
        self.api.file(url).await
    }

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
