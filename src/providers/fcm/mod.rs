//! Firebase Cloud Messaging: notifications on devices through its HTTP API v1, and what apps report of them.
//!
//! Wire format: `firebase-admin-node` (`messaging-api-request-internal.ts`, `messaging-errors-internal.ts`), and the pages on
//! the HTTP v1 API, error codes and scaling of Firebase's docs.
//!
//! FCM reports nothing after it took a message: no delivery, no opening. So a message carries our token and where to post it,
//! and the app on the device reports what becomes of it (`report`).

mod errors;
mod key;
mod oauth;
mod report;
mod send;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;

pub use key::ServiceAccount;
pub use report::FcmWebhook;
pub use settings::FcmSettings;

use super::{Accepted, OutboundMessage, Provider, SendError, SettingsError};
use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::Route;
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "fcm";

/// What FCM is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Firebase Cloud Messaging",
    channels: &[Channel::Push],
    settings: settings::SETTINGS,
    domains: &["googleapis.com"],
    callbacks: &[
        "Nothing has to be registered: FCM reports nothing itself. Your app posts what becomes of a notification to the URL that the notification carries: {url}.",
    ],
    // A payload of 4,096 bytes, of which our token and the names of fields take some 500: a longer text never fits. The exact
    // size is looked at before each call.
    limits: &[Limits { longest_text: Some(3_500), ..Limits::none(Channel::Push) }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = FcmSettings::read(&setup)?;
    let webhook = Arc::new(FcmWebhook::new(&settings));
    let provider = Arc::new(Fcm::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address: None })
}

/// One Firebase project.
///
/// A message in doubt cannot be looked up: FCM keeps no list of messages. What an app reports of it is the evidence.
pub struct Fcm {
    settings: FcmSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
    tokens: oauth::Tokens,
}

impl Fcm {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: FcmSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route { provider: PROVIDER.to_owned(), account: settings.account_name.clone(), domain: None };
        Ok(Self { settings, client, ambient, route, tokens: oauth::Tokens::default() })
    }
}

#[async_trait]
impl Provider for Fcm {
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

    fn is_gone(&self, code: &str) -> bool {
        errors::is_gone(code)
    }

    async fn check(&self) -> Result<(), SendError> {
        send::check(self).await
    }
}
