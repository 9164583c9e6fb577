//! What MessageBird reports: the fate of messages, by a GET with everything in its query, and messages that come in, as a form.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MessagebirdSettings, PROVIDER, TOKEN, errors, signature};
use crate::domain::value::Channel;
use crate::domain::value::message::Report;
use crate::providers::kit::parameters::{Parameters, written};
use crate::providers::kit::{numbers, texts, values};
use crate::providers::{
    Accepted, Answer, Inbound, MediaRef, Notice, NoticeKind, Secret, SettingsError, SignatureError, Webhook,
    WebhookRequest,
};

/// How many files a message has at most.
const MAX_MEDIA: usize = 10;

/// The webhook of one account: reports and incoming messages have the same URL.
pub struct MessagebirdWebhook {
    account: String,
    keys: Vec<Secret>,
}

impl MessagebirdWebhook {
    /// Checks the settings.
    pub fn try_new(settings: &MessagebirdSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { account: settings.account_name.clone(), keys: settings.signing_keys.clone() })
    }
}

#[async_trait]
impl Webhook for MessagebirdWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError> {
        signature::verify(request, &self.keys, now)
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        let written = written(request);
        let raw = texts::raw(written);
        match notice(request, now) {
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
        request.bare()
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "OK" }
    }
}

fn notice(request: &WebhookRequest, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
    let parameters = Parameters::of(request);
    let id = parameters.any(&["id", "message_id", "mid"]).ok_or("no message is named")?;
    match parameters.any(&["status"]) {
        Some(status) => about_ours(&parameters, request, id, &status.to_ascii_lowercase(), now),
        None => inbound(&parameters, id, now).map(|inbound| Some(NoticeKind::Inbound(Box::new(inbound)))),
    }
}

fn about_ours(
    parameters: &Parameters,
    request: &WebhookRequest,
    id: String,
    status: &str,
    now: DateTime<Utc>,
) -> Result<Option<NoticeKind>, String> {
    let code = match parameters.any(&["statusErrorCode"]) {
        Some(code) => {
            Some(code.parse::<u32>().map_err(|_| "an error code that is not a number")?).filter(|&code| code > 0)
        }
        None => None,
    };
    let parts = parameters.any(&["messagePartCount"]).and_then(|count| count.parse().ok());
    let told = Accepted {
        provider_message_id: Some(id.clone()),
        segments: parts.filter(|&count: &u32| count > 0).unwrap_or(1),
        cost: values::price(
            parameters.any(&["price[amount]"]).as_deref(),
            parameters.any(&["price[currency]"]).as_deref(),
        ),
    };
    let Some(report) = report(status, code, &told, parameters.any(&["statusReason"]))? else { return Ok(None) };
    let token = request.query_parameter(TOKEN).and_then(|token| texts::short(&token));
    Ok(Some(NoticeKind::Report {
        token: token.or_else(|| parameters.any(&["reference"])),
        provider_event_id: Some(format!("{id}:{status}:{}", code.unwrap_or_default())),
        provider_message_id: Some(id),
        to: parameters.any(&["recipient"]).map(|to| numbers::e164(&to)),
        channel: Channel::Sms,
        occurred_at: texts::plausible(parameters.get("statusDatetime").and_then(time), now),
        report,
    }))
}

/// What a status says of a message; [`None`] if it changes nothing for us.
pub(super) fn report(
    status: &str,
    code: Option<u32>,
    told: &Accepted,
    words: Option<String>,
) -> Result<Option<Report>, String> {
    Ok(Some(match status {
        "scheduled" => return Ok(None),
        "sent" => Report::Sent {
            provider_message_id: told.provider_message_id.clone(),
            segments: told.segments,
            cost_micros: told.cost.map(|(micros, _)| micros),
            currency: told.cost.map(|(_, currency)| currency),
            mail_id: None,
        },
        "buffered" => Report::Deferred { code: code.map(|code| code.to_string()), detail: words },
        "delivered" => Report::Delivered,
        "expired" | "delivery_failed" => errors::not_delivered(code, words),
        other => return Err(format!("an unknown status: {}", texts::bounded(other, 40))),
    }))
}

fn inbound(parameters: &Parameters, id: String, now: DateTime<Utc>) -> Result<Inbound, String> {
    let from = parameters.any(&["originator"]).ok_or("an incoming message without a sender")?;
    let media: Vec<_> = ["mediaUrls", "mediaUrls[]"]
        .iter()
        .flat_map(|name| parameters.each(name))
        .flat_map(urls)
        .take(MAX_MEDIA)
        .map(|url| MediaRef { url: Some(url), ..MediaRef::default() })
        .collect();
    let written = parameters.get("body").or_else(|| parameters.get("message"));
    if written.is_none() && media.is_empty() {
        return Err("an incoming message without a text".to_owned());
    }
    let written = written.unwrap_or_default();
    let text = texts::bounded(written, texts::MAX_BODY);
    let mut inbound = Inbound::new(Channel::Sms, id, numbers::e164(&from), text);
    inbound.hints.is_cut = written.chars().count() > texts::MAX_BODY;
    inbound.to = parameters.any(&["recipient", "receiver", "shortcode"]).map(|to| numbers::e164(&to));
    inbound.subject = parameters.any(&["subject"]);
    inbound.media = media;
    // A short code's `receive_datetime` does not name its zone.
    inbound.occurred_at = texts::plausible(parameters.get("createdDatetime").and_then(time), now);
    Ok(inbound)
}

/// One URL, or a list of them in JSON.
fn urls(written: &str) -> Vec<String> {
    let listed: Option<Vec<String>> = serde_json::from_str(written).ok();
    listed.unwrap_or_else(|| vec![written.to_owned()]).iter().filter_map(|url| texts::short(url)).collect()
}

/// A time by RFC 3339, whose `+` is a space where it was not encoded.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&text.trim().replace(' ', "+")).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests;
