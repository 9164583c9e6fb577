//! Mailgun's two webhooks at one URL: events (JSON), and mail that comes in through routes (forms). Both have the same proof.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use memchr::memmem;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::api::Api;
use super::{MailgunSettings, PROVIDER, events, inbound, signature};
use crate::providers::kit::client::HttpClient;
use crate::providers::kit::texts;
use crate::providers::{Answer, Notice, Secret, SettingsError, SignatureError, Webhook, WebhookRequest};

/// How many tokens are remembered, those that were seen last.
const MAX_TOKENS: u64 = 100_000;
/// How long a signature is, in hexadecimal.
const SIGNATURE: usize = 64;

/// The webhook of one account.
pub struct MailgunWebhook {
    account: String,
    keys: Vec<Secret>,
    freshness: TimeDelta,
    api: Api,
    /// The digest of the body with which each token came first.
    seen: Cache<String, [u8; 32]>,
}

impl MailgunWebhook {
    /// Checks the settings; calls nothing. The client fetches mails that Mailgun stores.
    pub fn try_new(settings: &MailgunSettings, client: HttpClient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let seen = Cache::builder()
            .max_capacity(MAX_TOKENS)
            .time_to_live(settings.freshness.to_std().unwrap_or_default() * 2)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Ok(Self {
            account: settings.account_name.clone(),
            keys: settings.signing_keys.clone(),
            freshness: settings.freshness,
            api: Api::new(settings, client),
            seen,
        })
    }
}

fn is_form(request: &WebhookRequest) -> bool {
    matches!(request.media_type().as_str(), "multipart/form-data" | "application/x-www-form-urlencoded")
}

/// A body in which no signature can be read any more.
pub(super) fn without_proof(request: &WebhookRequest) -> Bytes {
    let mut body = request.body.to_vec();
    for proof in signature::proofs(request) {
        if proof.signature.len() == SIGNATURE {
            for at in memmem::find_iter(&request.body, &proof.signature) {
                body[at..at + SIGNATURE].fill(b'0');
            }
        }
    }
    Bytes::from(body)
}

#[async_trait]
impl Webhook for MailgunWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        let token = signature::verify(request, &self.keys, self.freshness, now)?;
        // A repetition has the same body. Another one under the same token was written by somebody else.
        let digest: [u8; 32] = Sha256::digest(&request.body).into();
        let first = self.seen.entry(token).or_insert(digest).into_value();
        if first == digest { Ok(()) } else { Err(SignatureError::Forged) }
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        if is_form(request) {
            return vec![inbound::parse(request, &self.api, now).await];
        }
        events::parse(&request.body, now).into_iter().collect()
    }

    fn part(&self, request: &WebhookRequest, raw: &str) -> WebhookRequest {
        let is_whole_event = !is_form(request) && texts::is_whole(raw);
        let body = if is_whole_event { Bytes::from(raw.to_owned()) } else { without_proof(request) };
        WebhookRequest { url: String::new(), body, ..request.bare() }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests;
