//! What Twilio reports: the status of messages and calls, messages that come in, and keys that are pressed in a call.
//!
//! A status callback carries no time that can be trusted (`RawDlrDoneDate` is the carrier's local one, without a zone), so
//! none is reported; and no id, so one is made of message, status and error code, as Twilio advises. `accepted`, `scheduled`,
//! `queued` and `sending` change nothing for us and give no notice.

pub(super) mod calls;
pub(super) mod messages;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::form_urlencoded;

use super::twiml::{self, Speech};
use super::{PROVIDER, Twilio, TwilioSettings, call, keys, signature};
use crate::providers::kit::texts;
use crate::providers::{
    Answer, Inbound, Notice, NoticeKind, Secret, SettingsError, SignatureError, Webhook, WebhookRequest,
};

/// How many parameters of a form are looked at.
const MAX_PARAMETERS: usize = 500;

/// The webhook of one account: status callbacks and incoming messages have the same URL.
pub struct TwilioWebhook {
    account: String,
    tokens: Vec<Secret>,
    /// What ends calls that a machine has picked up.
    twilio: Option<Arc<Twilio>>,
}

impl TwilioWebhook {
    /// Checks the settings.
    pub fn try_new(settings: &TwilioSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { account: settings.account_name.clone(), tokens: settings.webhook_tokens.clone(), twilio: None })
    }

    /// The same, which ends calls that a machine has picked up and where nothing is to be left.
    #[must_use]
    pub fn ending_calls(self, twilio: Arc<Twilio>) -> Self {
        Self { twilio: Some(twilio), ..self }
    }
}

#[async_trait]
impl Webhook for TwilioWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, _now: DateTime<Utc>) -> Result<(), SignatureError> {
        signature::verify(request, &self.tokens)
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        let written = written(request);
        let raw = texts::raw(written);
        let form = Form::read(written);
        let kinds = match (form.any(&["MessageSid", "SmsSid", "SmsMessageSid"]), form.any(&["CallSid"])) {
            (Some(sid), _) => messages::notice(&form, request, sid).map(|kind| kind.into_iter().collect()),
            (None, Some(sid)) => calls::notices(&form, request, &sid, now),
            (None, None) => Err("neither a message nor a call is named".to_owned()),
        };
        let notice = |kind| match kind {
            NoticeKind::Inbound(inbound) => {
                let original = String::from_utf8_lossy(written).replace('\0', "\u{FFFD}");
                Notice { raw: raw.clone(), kind: NoticeKind::Inbound(Box::new(Inbound { original, ..*inbound })) }
            }
            kind => Notice { raw: raw.clone(), kind },
        };
        match kinds {
            Ok(kinds) => Vec::into_iter(kinds).map(notice).collect(),
            Err(reason) => vec![Notice::unclear(raw, reason)],
        }
    }

    fn part(&self, request: &WebhookRequest, _raw: &str) -> WebhookRequest {
        request.bare()
    }

    /// An empty `TwiML` document: nothing is to be answered to the sender.
    fn answer(&self) -> Answer {
        Answer { content_type: "text/xml", body: twiml::EMPTY }
    }

    async fn answer_to(&self, request: &WebhookRequest) -> Option<String> {
        let form = Form::read(written(request));
        let sid = form.any(&["CallSid"])?;
        if let Some(digits) = form.get("Digits") {
            return Some(match keys::pressed(request, digits) {
                Some(key) => twiml::goodbye(&key.say, Speech { language: &key.language, voice: key.voice.as_deref() }),
                None => twiml::HANG_UP.to_owned(),
            });
        }
        if calls::is_incoming(&form) {
            return Some(twiml::REJECT.to_owned());
        }
        if calls::is_verdict_of_machine(&form)
            && let Some(twilio) = &self.twilio
            && let Err(error) = call::hang_up(twilio, &sid).await
        {
            // The machine hears the script.
            tracing::warn!(account = self.account, %error, "a call that a machine has picked up was not ended");
        }
        None
    }
}

/// Parameters by name; a repeated one counts once.
struct Form<'a>(HashMap<Cow<'a, str>, Cow<'a, str>>);

impl<'a> Form<'a> {
    fn read(written: &'a [u8]) -> Self {
        let parameters = form_urlencoded::parse(written).take(MAX_PARAMETERS);
        Self(parameters.fold(HashMap::new(), |mut form, (name, value)| {
            form.entry(name).or_insert(value);
            form
        }))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Cow::as_ref)
    }

    /// The first of several names that is given and not blank.
    fn any(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| texts::short(self.get(name)?))
    }
}

/// What was posted, or stands in the query of a GET.
fn written(request: &WebhookRequest) -> &[u8] {
    let is_get = request.method.eq_ignore_ascii_case("GET");
    if is_get { request.query().as_bytes() } else { &request.body[..] }
}

#[cfg(test)]
mod tests;
