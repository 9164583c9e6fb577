//! SendGrid: email through its v3 API, its Event Webhook, and mail that comes in through its Inbound Parse.
//!
//! Wire format: `sendgrid-oai`, the tests of `sendgrid-python`, and the pages on events and parsing of SendGrid's docs.

mod errors;
mod events;
mod inbound;
mod send;
mod settings;
mod signature;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;

pub use settings::SendgridSettings;
pub use webhook::SendgridWebhook;

pub use super::kit::mail::Mailbox;
use super::{Accepted, OutboundMessage, Provider, SendError, SettingsError};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::engagement::Tracks;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::Route;
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "sendgrid";

/// What SendGrid is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "SendGrid",
    channels: &[Channel::Email],
    settings: settings::SETTINGS,
    domains: &["sendgrid.com"],
    callbacks: &[
        "Settings, Mail Settings, Event Webhooks: Post URL {url}, all events; switch on the Signed Event Webhook: its verification key is `webhook_public_key`.",
        "For replies: Settings, Inbound Parse: the host is `reply_domain` (its MX record is mx.sendgrid.net), the URL {url}?secret=… with your `inbound_secret`; switch on `POST the raw, full MIME message`.",
    ],
    // 30 MB, less what headers and markup take; subject and content of a file have a minLength of 1, and receivers the
    // format email, which is ASCII.
    limits: &[Limits {
        largest_message: Some(30_000_000 - 100_000),
        needs_subject: true,
        refuses_empty_files: true,
        refuses_international_mailboxes: true,
        ..Limits::none(Channel::Email)
    }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = SendgridSettings::read(&setup)?;
    let own_address = Some(settings.from.email.clone());
    let webhook = Arc::new(SendgridWebhook::try_new(&settings)?);
    let provider = Arc::new(Sendgrid::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// The custom argument that carries our token; SendGrid repeats it in every event, beside its own fields.
pub const TOKEN: &str = "commlog_token";

/// One SendGrid account.
///
/// A message in doubt cannot be looked up: SendGrid has no search that every account may use. Its `processed` event is
/// the evidence, and carries the token.
pub struct Sendgrid {
    settings: SendgridSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
}

impl Sendgrid {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: SendgridSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route {
            provider: PROVIDER.to_owned(),
            account: settings.account_name.clone(),
            domain: Some(settings.domain.clone()),
        };
        Ok(Self { settings, client, ambient, route })
    }
}

#[async_trait]
impl Provider for Sendgrid {
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

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
