//! Twilio: SMS and MMS, WhatsApp, calls, and what its webhook reports of them.
//!
//! Wire format: the Messages and Calls resources of the API of 2010-04-01 (`twilio-oai`, `twilio_api_v2010.json`), and the pages
//! on status callbacks, machine detection, `TwiML`, webhooks and errors of `docs.twilio.com`.

mod api;
mod call;
mod errors;
mod find;
mod keys;
mod lookup;
mod media;
mod send;
mod settings;
mod signature;
mod twiml;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use lookup::{LOOKUP, TwilioLookup, TwilioLookupSettings};
pub use settings::{TwilioAuth, TwilioSender, TwilioSettings, TwilioVoice};
pub use signature::sign;
pub use webhook::TwilioWebhook;

use super::{Accepted, Content, Found, MediaError, OutboundMessage, Provider, SendError, SettingsError, Unconfirmed};
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
    channels: &[Channel::Sms, Channel::Whatsapp, Channel::Voice],
    settings: settings::SETTINGS,
    domains: &["twilio.com"],
    callbacks: &[
        "Reports on messages and calls come by themselves: each message names {url}.",
        "For replies by SMS: Phone Numbers, Manage, Active numbers, your number, Messaging: `A message comes in`: Webhook, {url}, HTTP POST.",
        "With a messaging service instead: Messaging, Services, your service, Integration, `Send a webhook`: Request URL {url}, HTTP POST.",
        "For replies by WhatsApp: Messaging, Senders, WhatsApp senders, your sender: `Webhook URL for incoming messages`: {url}, HTTP POST.",
    ],
    // Error 21617: the concatenated message exceeds 1,600 characters.
    // What the voices of Polly read out at once is 3,000 characters.
    limits: &[
        Limits { longest_text: Some(1_600), ..Limits::none(Channel::Sms) },
        Limits { longest_text: Some(1_600), ..Limits::none(Channel::Whatsapp) },
        Limits { longest_text: Some(3_000), ..Limits::none(Channel::Voice) },
    ],
    parser: 2,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = TwilioSettings::read(&setup)?;
    let own_address = settings.own_number().map(str::to_owned);
    let webhook = TwilioWebhook::try_new(&settings)?;
    let provider = Arc::new(Twilio::try_new(settings, setup.client, setup.ambient)?);
    let webhook = Arc::new(webhook.ending_calls(Arc::clone(&provider)));
    Ok(Built { provider, webhook, own_address })
}

/// One Twilio account.
pub struct Twilio {
    settings: TwilioSettings,
    client: HttpClient,
    ambient: Ambient,
    route: Route,
    channels: Vec<Channel>,
}

impl Twilio {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: TwilioSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let route = Route { provider: PROVIDER.to_owned(), account: settings.account_name.clone(), domain: None };
        let channels = settings.channels();
        Ok(Self { settings, client, ambient, route, channels })
    }
}

#[async_trait]
impl Provider for Twilio {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn limits(&self, channel: Channel) -> Limits {
        KIND.limits_on(channel)
    }

    fn carries_files(&self, channel: Channel) -> bool {
        match channel {
            Channel::Sms => self.settings.can_send_media,
            // Twilio fetches them from this server's links.
            Channel::Whatsapp => self.settings.callback_url.is_some(),
            Channel::Email | Channel::Voice | Channel::Push | Channel::InApp => false,
        }
    }

    async fn fetch_media(&self, url: &str) -> Result<Bytes, MediaError> {
        media::fetch(self, url).await
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        match &message.content {
            Content::Voice(content) => call::make(self, &message, content).await,
            _ => send::send(self, &message).await,
        }
    }

    async fn find(&self, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
        match message.key.channel {
            Channel::Voice => find::call(self, message).await,
            _ => find::message(self, message).await,
        }
    }

    async fn check(&self) -> Result<(), SendError> {
        api::check(self).await
    }
}
