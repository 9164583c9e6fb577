//! MessageBird, now Bird, by its first API (`rest.messagebird.com`): SMS and MMS, and what its webhooks report of them. Accounts
//! of Bird's new platform are those of [`super::bird`].
//!
//! Wire format: the references of `developers.messagebird.com`, the tests of `messagebird/go-rest-api`, and the extended error
//! codes of SMS at `docs.bird.com`.

mod errors;
mod find;
mod send;
mod settings;
mod signature;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder};

pub use settings::MessagebirdSettings;
pub use signature::{sign, sign_request};
pub use webhook::MessagebirdWebhook;

use super::{Accepted, Found, OutboundMessage, Provider, SendError, SettingsError, Unconfirmed};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::{RetryClass, Route};
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "messagebird";

/// The parameter of a report's URL that carries our token.
const TOKEN: &str = "token";

/// What MessageBird is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "MessageBird",
    channels: &[Channel::Sms],
    settings: settings::SETTINGS,
    domains: &["messagebird.com", "bird.com"],
    callbacks: &[
        "Reports on messages come by themselves: each message names {url}.",
        "For replies: Numbers, your number, forward SMS to a URL (or a flow with `Fetch variables`/`Forward to URL`): {url}, with the method POST.",
        "Developers, Settings: the signing key is `signing_key`.",
    ],
    // Nine parts of 153 letters; of other letters than GSM-7's fewer fit, and more are refused there.
    limits: &[Limits { longest_text: Some(1_377), ..Limits::none(Channel::Sms) }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = MessagebirdSettings::read(&setup)?;
    let own_address = Some(settings.from.clone());
    let webhook = Arc::new(MessagebirdWebhook::try_new(&settings)?);
    let provider = Arc::new(Messagebird::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// One MessageBird account.
pub struct Messagebird {
    settings: MessagebirdSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
}

impl Messagebird {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: MessagebirdSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route { provider: PROVIDER.to_owned(), account: settings.account_name.clone(), domain: None };
        Ok(Self { settings, client, ambient, route })
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        let url =
            self.settings.base_url.join(path).map_err(|_| {
                SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API")
            })?;
        let key = format!("AccessKey {}", self.settings.access_key.expose());
        Ok(self.client.request(method, url).header("accept", "application/json").header("authorization", key))
    }
}

#[async_trait]
impl Provider for Messagebird {
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
