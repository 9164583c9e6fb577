//! Mailgun: email through its v3 API, its event webhooks, and mail that comes in through its routes.
//!
//! Wire format: Mailgun's `OpenAPI` document and user manual, the tests of `mailgun-php`, and what other integrations have
//! met (`django-anymail`).

mod api;
mod errors;
mod events;
mod find;
mod form;
mod inbound;
mod send;
mod settings;
mod signature;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use settings::MailgunSettings;
pub use signature::sign;
pub use webhook::MailgunWebhook;

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
pub const PROVIDER: &str = "mailgun";

/// What Mailgun is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Mailgun",
    channels: &[Channel::Email],
    settings: settings::SETTINGS,
    domains: &["mailgun.net"],
    callbacks: &[
        "Sending, Webhooks, the domain: {url} for all events.",
        "Settings, API security: the HTTP webhook signing key is `webhook_signing_key`.",
        "For replies: Receiving, Create route: an expression that matches the mailboxes of `reply_domain`, the action `Store and notify` (or `Forward`) with {url}.",
    ],
    // 25 MB, less what headers and markup take.
    limits: &[Limits {
        largest_message: Some(25_000_000 - 100_000),
        needs_subject: true,
        ..Limits::none(Channel::Email)
    }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = MailgunSettings::read(&setup)?;
    let own_address = Some(settings.from.email.clone());
    let webhook = Arc::new(MailgunWebhook::try_new(&settings, setup.client.clone())?);
    let provider = Arc::new(Mailgun::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// The variable that carries our token; Mailgun repeats it in every event, and shows it to the receiver in a header.
pub const TOKEN: &str = "commlog_token";

/// One sending domain of a Mailgun account.
pub struct Mailgun {
    settings: MailgunSettings,
    api: Api,
    ambient: Ambient,
    route: Route,
}

impl Mailgun {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: MailgunSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
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
impl Provider for Mailgun {
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
        let is_on = |setting: Option<bool>| setting == Some(true);
        Tracks { opens: is_on(self.settings.track_opens), clicks: is_on(self.settings.track_clicks) }
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        send::send(self, &message).await
    }

    async fn find(&self, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
        find::find(self, message).await
    }

    async fn fetch_media(&self, url: &str) -> Result<Bytes, MediaError> {
        self.api.stored(url).await
    }

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
