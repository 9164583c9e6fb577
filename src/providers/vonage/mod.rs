//! Vonage (once Nexmo): SMS by its SMS API or by its Messages API, and what its webhooks report of them.
//!
//! Wire format: the SMS and Messages API references of `developer.vonage.com`, the specifications in
//! `Nexmo/api-specification` and `api-evangelist/vonage`, and the tests of `vonage-java-sdk` and `vonage-python-sdk`.
//!
//! Neither API has a list in which a message could be looked for, nor a key that keeps a call from acting twice: a message in
//! doubt stays in doubt until a receipt comes. Our token is longer than the 100 characters of a client reference. With the
//! Messages API it travels in the URL of the status webhook; with the SMS API, whose callback has 100 characters as well, the
//! reference is the message's id.

mod errors;
mod messages;
mod settings;
mod signature;
mod sms;
mod times;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder};

pub use settings::{VonageApi, VonageSettings};
pub use signature::{SignatureMethod, sign};
pub use webhook::VonageWebhook;

use super::{Accepted, Content, OutboundMessage, Provider, SendError, SettingsError, TextContent};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::{RetryClass, Route};
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;
use crate::providers::kit::numbers;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "vonage";

/// The parameter of a status webhook's URL that carries our token.
const TOKEN: &str = "token";

/// What Vonage is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Vonage",
    channels: &[Channel::Sms],
    settings: settings::SETTINGS,
    domains: &["nexmo.com", "vonage.com"],
    callbacks: &[
        "With `api` = `sms`: API settings, SMS settings: Delivery receipts (DLR) webhooks and Inbound SMS webhooks: {url}, with the method POST-JSON.",
        "There too: switch on the signing of webhooks; the signature secret is `signature_secret`, its method `signature_method`.",
        "With `api` = `messages`: Applications, your application, Capabilities, Messages: Inbound URL and Status URL: {url}.",
    ],
    // The Messages API's; none is documented for the SMS API. One for both, so that accounts can change over.
    limits: &[Limits { longest_text: Some(1_000), ..Limits::none(Channel::Sms) }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = VonageSettings::read(&setup)?;
    let own_address = Some(settings.from.clone());
    let webhook = Arc::new(VonageWebhook::try_new(&settings)?);
    let provider = Arc::new(Vonage::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// One Vonage account.
pub struct Vonage {
    settings: VonageSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
    token: messages::Token,
}

impl Vonage {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: VonageSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route { provider: PROVIDER.to_owned(), account: settings.account_name.clone(), domain: None };
        Ok(Self { settings, client, ambient, route, token: messages::Token::default() })
    }

    /// A request to a path of the API, without credentials.
    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        let url =
            self.settings.base_url.join(path).map_err(|_| {
                SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API")
            })?;
        Ok(self.client.request(method, url).header("accept", "application/json"))
    }

    /// Who sends a message, as Vonage takes it.
    fn sender<'a>(&'a self, message: &'a OutboundMessage) -> &'a str {
        numbers::digits(message.from.as_deref().unwrap_or(&self.settings.from))
    }
}

/// What Vonage echoes in receipts: our id of the message.
fn reference(message: &OutboundMessage) -> String {
    message.key.message_id.to_string()
}

fn text_of(message: &OutboundMessage) -> Result<&TextContent, SendError> {
    match &message.content {
        Content::Text(text) if text.media_urls.is_empty() => Ok(text),
        Content::Text(_) => Err(SendError::files_not_carried()),
        _ => Err(SendError::channel_not_served()),
    }
}

#[async_trait]
impl Provider for Vonage {
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
        let text = text_of(&message)?;
        match &self.settings.api {
            VonageApi::Sms { secret, .. } => sms::send(self, secret, &message, text).await,
            VonageApi::Messages { application_id, key } => {
                messages::send(self, application_id, key, &message, text).await
            }
        }
    }

    async fn check(&self) -> Result<(), SendError> {
        match &self.settings.api {
            VonageApi::Sms { secret, .. } => sms::check(self, secret).await,
            VonageApi::Messages { application_id, key } => messages::check(self, application_id, key).await,
        }
    }
}
