//! SendGrid's two webhooks at one URL: batches of events (JSON, signed), and mail that comes in (a multipart form, whose
//! URL carries a secret). The media type tells them apart, and each has its own proof.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::signature::{self, PublicKey};
use super::{PROVIDER, SendgridSettings, events, inbound};
use crate::providers::kit::texts;
use crate::providers::{Answer, Notice, Secret, SettingsError, SignatureError, Webhook, WebhookRequest};

/// The parameter of the URL that carries the secret of incoming mail.
const SECRET: &str = "secret";

/// The webhook of one account.
pub struct SendgridWebhook {
    account: String,
    event_keys: Vec<PublicKey>,
    event_freshness: TimeDelta,
    inbound_secret: Option<Secret>,
    inbound_keys: Vec<PublicKey>,
}

impl SendgridWebhook {
    /// Checks the settings.
    pub fn try_new(settings: &SendgridSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let keys = |keys: &[String]| keys.iter().filter_map(|key| PublicKey::parse(key)).collect();
        Ok(Self {
            account: settings.account_name.clone(),
            event_keys: keys(&settings.event_public_keys),
            event_freshness: settings.event_freshness,
            inbound_secret: settings.inbound_secret.clone(),
            inbound_keys: keys(&settings.inbound_public_keys),
        })
    }

    /// Inbound Parse has no signature unless a security policy is set up.
    fn verify_inbound(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        if !self.inbound_keys.is_empty() && signature::is_signed(request) {
            return signature::verify(request, &self.inbound_keys, self.event_freshness, now);
        }
        let secret = self.inbound_secret.as_ref().ok_or(SignatureError::Missing)?;
        let presented = request.query_parameter(SECRET).map(|secret| secret.as_bytes().to_vec());
        let presented = presented.or_else(|| password(request)).ok_or(SignatureError::Missing)?;
        if secret.is(&presented) { Ok(()) } else { Err(SignatureError::Forged) }
    }
}

fn password(request: &WebhookRequest) -> Option<Vec<u8>> {
    let credentials = request.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

fn is_inbound(request: &WebhookRequest) -> bool {
    request.media_type() == "multipart/form-data"
}

#[async_trait]
impl Webhook for SendgridWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        if is_inbound(request) {
            return self.verify_inbound(request, now);
        }
        signature::verify(request, &self.event_keys, self.event_freshness, now)
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        if is_inbound(request) { vec![inbound::parse(request, now).await] } else { events::parse(&request.body, now) }
    }

    fn part(&self, request: &WebhookRequest, raw: &str) -> WebhookRequest {
        // The URL carries the secret of incoming mail, and nothing else.
        let whole = WebhookRequest { url: String::new(), ..request.bare() };
        let is_item = !is_inbound(request) && texts::is_whole(raw);
        if is_item { WebhookRequest { body: Bytes::from(raw.to_owned()), ..whole } } else { whole }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests;
