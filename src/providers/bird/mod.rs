//! Bird, by the API of its platform of 2025 (`{region}.platform.bird.com`): SMS, and what its webhooks report of them. Accounts
//! with an access key of `rest.messagebird.com` are those of [`super::messagebird`].
//!
//! Wire format: Bird's own libraries (`messagebird/bird-sdk-go`, `@messagebird/sdk` 0.63), which are made from its
//! specification. MMS, scheduling and a period of validity are refused there so far.

mod errors;
mod find;
mod send;
mod settings;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder};

pub use settings::BirdSettings;
pub use webhook::BirdWebhook;

use super::{Accepted, Found, OutboundMessage, Provider, SendError, SettingsError, Unconfirmed};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::{RetryClass, Route};
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "bird";

/// The member of a message's metadata that carries our token.
const TOKEN: &str = "token";

/// What Bird is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Bird",
    channels: &[Channel::Sms],
    settings: settings::SETTINGS,
    domains: &["bird.com"],
    callbacks: &[
        "Developers, Webhooks, add an endpoint: {url}, with all events of SMS, sent and received.",
        "The endpoint's signing secret is `webhook_secret`.",
    ],
    // Twelve parts of 153 letters; of other letters than GSM-7's fewer fit.
    limits: &[Limits { longest_text: Some(1_836), ..Limits::none(Channel::Sms) }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = BirdSettings::read(&setup)?;
    let own_address = Some(settings.from.clone());
    let webhook = Arc::new(BirdWebhook::try_new(&settings)?);
    let provider = Arc::new(Bird::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// One workspace at Bird.
pub struct Bird {
    settings: BirdSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
}

impl Bird {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: BirdSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route { provider: PROVIDER.to_owned(), account: settings.account_name.clone(), domain: None };
        Ok(Self { settings, client, ambient, route })
    }

    /// A request to the messages of the workspace.
    fn request(&self, method: Method) -> Result<RequestBuilder, SendError> {
        let url =
            self.settings.base_url.join("/v1/sms/messages").map_err(|_| {
                SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API")
            })?;
        let request = self.client.request(method, url).header("accept", "application/json");
        Ok(request.bearer_auth(self.settings.api_key.expose()))
    }
}

#[async_trait]
impl Provider for Bird {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        KIND.channels
    }

    fn limits(&self, channel: Channel) -> Limits {
        KIND.limits_on(channel)
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
