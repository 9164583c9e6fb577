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

use async_trait::async_trait;

pub use settings::{Mailbox, SendgridSettings};
pub use webhook::SendgridWebhook;

use super::{Accepted, OutboundMessage, Provider, SendError, SettingsError};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::message::Route;
use crate::providers::kit::client::HttpClient;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "sendgrid";
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
        &[Channel::Email]
    }

    fn carries_files(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        send::send(self, &message).await
    }

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
