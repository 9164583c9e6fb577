//! What Vonage reports: the fate of messages, and messages that come in. Both have the same URL; the account's API decides how
//! they are written and signed.

mod messages;
mod sms;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{PROVIDER, VonageApi, VonageSettings, signature};
use crate::providers::kit::{parameters, texts};
use crate::providers::{
    Answer, Inbound, Notice, NoticeKind, Secret, SettingsError, SignatureError, Webhook, WebhookRequest,
};

/// The webhook of one account.
pub struct VonageWebhook {
    account: String,
    api_key: String,
    api: VonageApi,
    secrets: Vec<Secret>,
}

impl VonageWebhook {
    /// Checks the settings.
    pub fn try_new(settings: &VonageSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            account: settings.account_name.clone(),
            api_key: settings.api_key.clone(),
            api: settings.api.clone(),
            secrets: settings.signature_secrets.clone(),
        })
    }
}

#[async_trait]
impl Webhook for VonageWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        let secrets = &self.secrets;
        match &self.api {
            VonageApi::Sms { method, .. } => signature::verify_parameters(request, secrets, *method, now),
            VonageApi::Messages { application_id, .. } => {
                signature::verify_token(request, secrets, &self.api_key, application_id, now)
            }
        }
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        let written = parameters::written(request);
        let raw = texts::raw(written);
        let notice = match &self.api {
            VonageApi::Sms { .. } => sms::notice(request, now),
            VonageApi::Messages { .. } => messages::notice(request, now),
        };
        match notice {
            Ok(Some(NoticeKind::Inbound(inbound))) => {
                let original = String::from_utf8_lossy(written).replace('\0', "\u{FFFD}");
                vec![Notice { raw, kind: NoticeKind::Inbound(Box::new(Inbound { original, ..*inbound })) }]
            }
            Ok(Some(kind)) => vec![Notice { raw, kind }],
            Ok(None) => vec![],
            Err(reason) => vec![Notice::unclear(raw, reason)],
        }
    }

    fn part(&self, request: &WebhookRequest, _raw: &str) -> WebhookRequest {
        match &self.api {
            VonageApi::Sms { .. } => signature::without_proof(request),
            // The token that proves it stands in a header.
            VonageApi::Messages { .. } => request.bare(),
        }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests;
