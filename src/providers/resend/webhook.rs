//! Resend's webhook: events of mails, and notices of mail that came in. All are signed the same way.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;
use url::form_urlencoded;

use super::api::Api;
use super::{PROVIDER, ResendSettings, events, inbound};
use crate::providers::kit::client::HttpClient;
use crate::providers::kit::{standard_webhooks, texts};
use crate::providers::{Answer, Notice, NoticeKind, Secret, SettingsError, SignatureError, Webhook, WebhookRequest};

/// The parameter that carries the id of a request that is kept: its headers are not.
const ID: &str = "webhook-id";

/// The webhook of one account.
pub struct ResendWebhook {
    account: String,
    secrets: Vec<Secret>,
    api: Api,
}

impl ResendWebhook {
    /// Checks the settings; calls nothing. The client fetches mail that came in.
    pub fn try_new(settings: &ResendSettings, client: HttpClient) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            account: settings.account_name.clone(),
            secrets: settings.webhook_secrets.clone(),
            api: Api::new(settings, client),
        })
    }

    async fn kind(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
        let event: Value = serde_json::from_slice(&request.body).map_err(|_| "a request that is not JSON")?;
        if event["type"] == events::RECEIVED {
            let mail = inbound::fetch(&event["data"], &self.api, now).await?;
            return Ok(Some(NoticeKind::Inbound(Box::new(mail))));
        }
        events::notice(&event, id(request), now)
    }
}

/// The id of what a request reports.
fn id(request: &WebhookRequest) -> Option<String> {
    let given = standard_webhooks::id(request).map(str::to_owned);
    given.or_else(|| request.query_parameter(ID).map(String::from)).and_then(|id| texts::short(&id))
}

#[async_trait]
impl Webhook for ResendWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        standard_webhooks::verify(request, &self.secrets, now, standard_webhooks::TOLERANCE)
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        let raw = texts::raw(&request.body);
        match self.kind(request, now).await {
            Ok(Some(kind)) => vec![Notice { raw, kind }],
            Ok(None) => vec![],
            Err(reason) => vec![Notice::unclear(raw, reason)],
        }
    }

    fn part(&self, request: &WebhookRequest, _raw: &str) -> WebhookRequest {
        let id = id(request).map(|id| form_urlencoded::Serializer::new(String::new()).append_pair(ID, &id).finish());
        let url = id.map_or_else(String::new, |query| format!("?{query}"));
        WebhookRequest { url, body: Bytes::clone(&request.body), ..request.bare() }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests;
