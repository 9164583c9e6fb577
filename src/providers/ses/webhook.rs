//! The URL that topics of SNS are subscribed to: events, notifications, received mail, and what SNS itself says.
//!
//! A message in its envelope is proved by its signature. With raw message delivery there is neither, and the URL must carry a
//! secret instead; what SNS itself says comes in an envelope all the same.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::calls::Caller;
use super::inbound::{Bucket, Stored};
use super::sns::{Certificates, Envelope, Kind, certificate};
use super::{PROVIDER, SesSettings, endpoints, events};
use crate::clock::Ambient;
use crate::providers::kit::client::{HttpClient, call};
use crate::providers::kit::texts;
use crate::providers::{
    Answer, Incomplete, Notice, Secret, SendError, SettingsError, SignatureError, Webhook, WebhookRequest,
};

/// The parameter of the URL that carries the secret.
const SECRET: &str = "secret";
/// The header that names the topic, with raw message delivery too.
const TOPIC: &str = "x-amz-sns-topic-arn";

/// The webhook of one account.
pub struct SesWebhook {
    account: String,
    region: String,
    topics: Vec<String>,
    secret: Option<Secret>,
    freshness: TimeDelta,
    bucket: Option<Bucket>,
    sns_url: Option<Url>,
    caller: Caller,
    certificates: Certificates,
}

impl SesWebhook {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: &SesSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let caller = Caller::new(settings.credentials.clone(), client, ambient);
        let region = settings.inbound_bucket_region.as_ref().unwrap_or(&settings.region);
        let bucket = settings.inbound_bucket.as_ref().map(|name| Bucket {
            name: name.clone(),
            region: region.clone(),
            base: settings.s3_url.clone(),
        });
        Ok(Self {
            account: settings.account_name.clone(),
            region: settings.region.clone(),
            topics: settings.topic_arns.clone(),
            secret: settings.webhook_secret.clone(),
            freshness: settings.freshness,
            bucket,
            sns_url: settings.sns_url.clone(),
            certificates: Certificates::new(caller.clone(), settings.sns_url.clone()),
            caller,
        })
    }

    /// Where the certificate of a message lies, if its topic is one of ours.
    fn certificate_of<'e>(&self, envelope: &'e Envelope) -> Result<(Url, &'e str), SignatureError> {
        let region = envelope.region(&self.topics).ok_or(SignatureError::Forged)?;
        let url = certificate::location(&envelope.signing_cert_url, region).ok_or(SignatureError::Forged)?;
        Ok((url, region))
    }

    /// Raw message delivery: nothing of the message is signed.
    fn verify_raw(&self, request: &WebhookRequest) -> Result<(), SignatureError> {
        let secret = self.secret.as_ref().ok_or(SignatureError::Missing)?;
        let presented = request.query_parameter(SECRET).ok_or(SignatureError::Missing)?;
        let topic = request.header(TOPIC).ok_or(SignatureError::Missing)?;
        let is_ours = self.topics.iter().any(|ours| ours == topic);
        if secret.is(presented.as_bytes()) && is_ours { Ok(()) } else { Err(SignatureError::Forged) }
    }

    /// Confirms the subscription of a topic of ours. The URL is made of the topic and the token, not taken from the message.
    async fn confirm(&self, envelope: &Envelope) -> Result<(), Incomplete> {
        let region = envelope.region(&self.topics).ok_or(Incomplete::Never("foreign_topic"))?;
        let token = envelope.token.as_deref().ok_or(Incomplete::Never("no_token"))?;
        let base = self.sns_url.clone().or_else(|| endpoints::url("sns", region));
        let mut url = base.ok_or(Incomplete::Never("foreign_topic"))?;
        url.query_pairs_mut()
            .append_pair("Action", "ConfirmSubscription")
            .append_pair("TopicArn", &envelope.topic_arn)
            .append_pair("Token", token);
        let reply = call(self.caller.plain(Method::GET, url)).await.map_err(|error| match error {
            SendError::Ambiguous { cause } => Incomplete::Later(cause),
            SendError::Refused { .. } => Incomplete::Later("unreachable"),
        })?;
        match reply.status {
            200 => Ok(()),
            429 | 500.. => Err(Incomplete::Later("server_error")),
            // A token works for three days.
            _ => Err(Incomplete::Never("not_confirmed")),
        }
    }
}

#[async_trait]
impl Webhook for SesWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    async fn prepare(&self, request: &WebhookRequest) -> Result<(), Incomplete> {
        let Some(envelope) = Envelope::read(&request.body) else { return Ok(()) };
        match self.certificate_of(&envelope) {
            Ok((url, region)) if self.certificates.known(&url).is_none() => self.certificates.fetch(&url, region).await,
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        if self.topics.is_empty() {
            return Err(SignatureError::Missing);
        }
        let Some(envelope) = Envelope::read(&request.body) else { return self.verify_raw(request) };
        let (url, _) = self.certificate_of(&envelope)?;
        let certificate = self.certificates.known(&url).ok_or(SignatureError::Forged)?;
        envelope.verify(&certificate, self.freshness, now)
    }

    async fn complete<'r>(&self, request: &'r WebhookRequest) -> Result<Cow<'r, WebhookRequest>, Incomplete> {
        let envelope = Envelope::read(&request.body);
        let message = match &envelope {
            Some(envelope) if envelope.kind == Kind::SubscriptionConfirmation => {
                self.confirm(envelope).await?;
                return Ok(Cow::Borrowed(request));
            }
            Some(envelope) if envelope.kind == Kind::UnsubscribeConfirmation => return Ok(Cow::Borrowed(request)),
            Some(envelope) => envelope.message.as_bytes(),
            None => &request.body,
        };
        let Some(stored) = Stored::read(message) else { return Ok(Cow::Borrowed(request)) };
        let bucket = self.bucket.as_ref().ok_or(Incomplete::Never("no_bucket"))?;
        let body = stored.fetch(bucket, &self.caller).await?;
        Ok(Cow::Owned(WebhookRequest { body, ..request.clone() }))
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        match Envelope::read(&request.body) {
            None => events::parse(&request.body, &self.region, now),
            Some(Envelope { kind: Kind::Notification, message, .. }) => {
                events::parse(message.as_bytes(), &self.region, now)
            }
            // What there was to do about it was done.
            Some(Envelope { kind: Kind::SubscriptionConfirmation, .. }) => vec![],
            Some(Envelope { kind: Kind::UnsubscribeConfirmation, .. }) => {
                let raw = texts::raw(&bare_body(&request.body));
                vec![Notice::unclear(raw, "the subscription of a topic has ended: its events do not come any more")]
            }
        }
    }

    fn part(&self, request: &WebhookRequest, _raw: &str) -> WebhookRequest {
        // The URL carries a secret, and the envelope a signature.
        WebhookRequest { url: String::new(), body: bare_body(&request.body), ..request.bare() }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

/// What a body says, without what proves it or could be used to subscribe again.
fn bare_body(body: &Bytes) -> Bytes {
    match Envelope::read(body) {
        None => body.clone(),
        Some(Envelope { kind: Kind::Notification, message, .. }) => Bytes::from(message),
        Some(envelope) => {
            let Envelope { kind, message_id, topic_arn, timestamp, .. } = envelope;
            let bare =
                json!({ "Type": kind.word(), "MessageId": message_id, "TopicArn": topic_arn, "Timestamp": timestamp });
            Bytes::from(bare.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
