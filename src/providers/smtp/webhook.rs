//! Raw mail, as a mail server posts it or a mailbox holds it: `curl --data-binary @- -H 'Authorization: Bearer …'` from a
//! pipe of Postfix or Exim.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use super::{PROVIDER, SmtpSettings};
use crate::providers::kit::mime::received;
use crate::providers::kit::texts;
use crate::providers::{
    Answer, Inbound, Notice, NoticeKind, Secret, SettingsError, SignatureError, Webhook, WebhookRequest,
};

/// The parameter of the URL that carries the secret, for programs that cannot set headers.
const SECRET: &str = "secret";

/// The webhook of one account.
pub struct SmtpWebhook {
    account: String,
    secret: Option<Secret>,
}

impl SmtpWebhook {
    /// Checks the settings.
    pub fn try_new(settings: &SmtpSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { account: settings.account_name.clone(), secret: settings.inbound_secret.clone() })
    }
}

/// What is shown to prove who speaks: a bearer's token, a password, or the parameter.
fn presented(request: &WebhookRequest) -> Option<Vec<u8>> {
    let Some(given) = request.header("authorization") else {
        return request.query_parameter(SECRET).map(|secret| secret.as_bytes().to_vec());
    };
    let (scheme, credentials) = given.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().as_bytes().to_vec());
    }
    let decoded = STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

#[async_trait]
impl Webhook for SmtpWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, _now: DateTime<Utc>) -> Result<(), SignatureError> {
        let secret = self.secret.as_ref().ok_or(SignatureError::Missing)?;
        let presented = presented(request).ok_or(SignatureError::Missing)?;
        if secret.is(&presented) { Ok(()) } else { Err(SignatureError::Forged) }
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        let raw = texts::raw(&request.body);
        vec![match received::of_raw(&request.body, now) {
            Some(inbound) => {
                let original = String::from_utf8_lossy(&request.body).replace('\0', "\u{FFFD}");
                Notice { raw, kind: NoticeKind::Inbound(Box::new(Inbound { original, ..inbound })) }
            }
            None => Notice::unclear(raw, "an incoming mail without a sender"),
        }]
    }

    fn part(&self, request: &WebhookRequest, _raw: &str) -> WebhookRequest {
        // Headers and the URL carry the secret, and nothing else.
        WebhookRequest { url: String::new(), ..request.bare() }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests;
