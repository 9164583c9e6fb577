//! Messages in the tenant's own product: the provider is this server. A message that is sent is one that its receiver's page may
//! fetch; the page says when it has it, and what became of it (`/in-app/graphql`, with a token of the customer's).

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Accepted, Content, OutboundMessage, Provider, SendError, SettingsError, SignatureError};
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::{RetryClass, Route};
use crate::providers::kind::{Built, Kind, Setting, Setup};
use crate::providers::{Answer, Notice, Webhook, WebhookRequest};

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "in_app";

const APPLICATION: Setting =
    Setting::new("application", "The name of your product or site, for yourself: an account for each, or one for all.")
        .required()
        .variable("IN_APP_APPLICATION");

/// What messages in the product are to those who set them up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "Messages in your product",
    channels: &[Channel::InApp],
    settings: &[&APPLICATION],
    domains: &[],
    callbacks: &["Nothing has to be registered: this server shows the messages itself, in pages that load /inapp.js."],
    // A note in the corner of a page, not a page.
    limits: &[Limits { longest_text: Some(5_000), ..Limits::none(Channel::InApp) }],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    if setup.settings.required(&APPLICATION)?.chars().count() > 200 {
        return Err(setup.settings.wrong(&APPLICATION, "must have at most 200 characters"));
    }
    let account = setup.account.to_owned();
    let provider = Arc::new(InApp::new(account.clone()));
    Ok(Built { provider, webhook: Arc::new(NoCallbacks { account }), own_address: None })
}

/// This server as a provider.
pub struct InApp {
    route: Route,
}

impl InApp {
    /// Under the name of its account.
    #[must_use]
    pub fn new(account: String) -> Self {
        Self { route: Route { provider: PROVIDER.to_owned(), account, domain: None } }
    }
}

#[async_trait]
impl Provider for InApp {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        KIND.channels
    }

    fn limits(&self, channel: Channel) -> Limits {
        KIND.limits_on(channel)
    }

    /// There is nobody to be called: once it is recorded as sent, the read tables show it to its receiver.
    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        match &message.content {
            Content::InApp(shown) if shown.body.trim().is_empty() && shown.title.is_none() => {
                let code = Some("empty".to_owned());
                Err(SendError::refused(RetryClass::ContentRefused, code, "the message shows nothing"))
            }
            Content::InApp(_) => Ok(Accepted { provider_message_id: None, segments: 1, cost: None }),
            _ => Err(SendError::channel_not_served()),
        }
    }
}

/// Pages report with a token of their own, not by a webhook: nobody is believed here.
struct NoCallbacks {
    account: String,
}

#[async_trait]
impl Webhook for NoCallbacks {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, _request: &WebhookRequest, _now: DateTime<Utc>) -> Result<(), SignatureError> {
        Err(SignatureError::Missing)
    }

    async fn parse(&self, _request: &WebhookRequest, _now: DateTime<Utc>) -> Vec<Notice> {
        vec![]
    }

    fn part(&self, request: &WebhookRequest, _raw: &str) -> WebhookRequest {
        request.bare()
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::value::message::MessageKey;

    fn message(content: Content) -> OutboundMessage {
        let key = MessageKey {
            message_id: Uuid::from_u128(1).into(),
            channel: Channel::InApp,
            campaign_id: None,
            variant: None,
            conversation_id: None,
        };
        let (tenant, customer) = (Uuid::from_u128(2).into(), Uuid::from_u128(3).into());
        OutboundMessage::new(tenant, customer, key, "user-7".to_owned(), content)
    }

    #[tokio::test]
    async fn a_message_is_taken_if_it_shows_something() {
        let provider = InApp::new("main".to_owned());
        let hello = Content::of(Channel::InApp, None, "Hello".to_owned());
        assert!(provider.send(message(hello)).await.is_ok());
        let empty = Content::of(Channel::InApp, None, " ".to_owned());
        assert!(provider.send(message(empty)).await.is_err());
        let mail = Content::of(Channel::Email, None, "Hello".to_owned());
        assert_eq!(provider.send(message(mail)).await, Err(SendError::channel_not_served()));
    }

    #[test]
    fn nobody_is_believed_at_its_webhook() {
        let webhook = NoCallbacks { account: "main".to_owned() };
        let request = WebhookRequest { method: "POST".to_owned(), ..WebhookRequest::default() };
        assert_eq!(webhook.verify(&request, DateTime::UNIX_EPOCH), Err(SignatureError::Missing));
    }
}
