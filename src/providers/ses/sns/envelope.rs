//! The envelope of a message of SNS, and the text in it that is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::certificate::Certificate;
use crate::providers::SignatureError;
use crate::providers::ses::endpoints::region_of_topic;

/// How far ahead of ours the clock of SNS may be.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(in crate::providers::ses) enum Kind {
    /// Something was published.
    Notification,
    /// The subscription waits until it is confirmed.
    SubscriptionConfirmation,
    /// The subscription has ended.
    UnsubscribeConfirmation,
}

impl Kind {
    /// As it is written.
    pub(in crate::providers::ses) const fn word(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

/// A message as SNS posts it. A field that stands twice makes it none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::providers::ses) struct Envelope {
    #[serde(rename = "Type")]
    pub(in crate::providers::ses) kind: Kind,
    pub(in crate::providers::ses) message_id: String,
    pub(in crate::providers::ses) topic_arn: String,
    pub(in crate::providers::ses) message: String,
    pub(in crate::providers::ses) timestamp: String,
    pub(in crate::providers::ses) signature_version: String,
    pub(in crate::providers::ses) signature: String,
    #[serde(rename = "SigningCertURL")]
    pub(in crate::providers::ses) signing_cert_url: String,
    pub(in crate::providers::ses) subject: Option<String>,
    pub(in crate::providers::ses) token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    pub(in crate::providers::ses) subscribe_url: Option<String>,
}

impl Envelope {
    /// Reads a body; [`None`] if it is no envelope, as with raw message delivery.
    pub(in crate::providers::ses) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The region of its topic, if the topic is one of those that are believed. A signature alone proves only that some
    /// customer of AWS published it.
    pub(in crate::providers::ses) fn region<'e>(&'e self, topics: &[String]) -> Option<&'e str> {
        topics.contains(&self.topic_arn).then(|| region_of_topic(&self.topic_arn)).flatten()
    }

    /// Verifies who signed it, then when.
    pub(in crate::providers::ses) fn verify(
        &self,
        certificate: &Certificate,
        freshness: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<(), SignatureError> {
        let signature = STANDARD.decode(&self.signature).map_err(|_| SignatureError::Malformed)?;
        let signed = self.signed().ok_or(SignatureError::Malformed)?;
        if !certificate.accepts(&self.signature_version, signed.as_bytes(), &signature, now) {
            return Err(SignatureError::Forged);
        }
        let signed_at = DateTime::parse_from_rfc3339(&self.timestamp).map_err(|_| SignatureError::Malformed)?;
        let age = now - signed_at.to_utc();
        if age > freshness || age < -AHEAD {
            return Err(SignatureError::Stale { age });
        }
        Ok(())
    }

    /// The text that is signed: names and values, a line each, in an order that depends on the kind; [`None`] if a field is
    /// missing.
    fn signed(&self) -> Option<String> {
        let start = [("Message", self.message.as_str()), ("MessageId", self.message_id.as_str())];
        let time = ("Timestamp", self.timestamp.as_str());
        let end = [("TopicArn", self.topic_arn.as_str()), ("Type", self.kind.word())];
        let between = match self.kind {
            Kind::Notification => {
                let subject = self.subject.as_deref().map(|subject| ("Subject", subject));
                subject.into_iter().chain([time]).collect()
            }
            Kind::SubscriptionConfirmation | Kind::UnsubscribeConfirmation => {
                let (url, token) = (self.subscribe_url.as_deref()?, self.token.as_deref()?);
                vec![("SubscribeURL", url), time, ("Token", token)]
            }
        };
        let fields = start.into_iter().chain(between).chain(end);
        Some(fields.flat_map(|(name, value)| [name, "\n", value, "\n"]).collect())
    }
}
