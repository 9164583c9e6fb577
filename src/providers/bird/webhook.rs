//! What Bird reports: the fate of messages, and messages that come in. Requests are signed by Standard Webhooks.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{BirdSettings, PROVIDER, TOKEN, errors, send};
use crate::domain::value::Channel;
use crate::domain::value::message::{Report, RetryClass};
use crate::providers::kit::{numbers, standard_webhooks, texts, values};
use crate::providers::{
    Accepted, Answer, Inbound, Notice, NoticeKind, Secret, SettingsError, SignatureError, Webhook, WebhookRequest,
};

/// The webhook of one workspace.
pub struct BirdWebhook {
    account: String,
    secrets: Vec<Secret>,
}

impl BirdWebhook {
    /// Checks the settings.
    pub fn try_new(settings: &BirdSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { account: settings.account_name.clone(), secrets: settings.webhook_secrets.clone() })
    }
}

#[async_trait]
impl Webhook for BirdWebhook {
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
        match notice(&request.body, now) {
            Ok(Some(NoticeKind::Inbound(inbound))) => {
                let original = String::from_utf8_lossy(&request.body).replace('\0', "\u{FFFD}");
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
        Answer { content_type: "text/plain", body: "" }
    }
}

fn notice(body: &Bytes, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
    let event: Value = serde_json::from_slice(body).map_err(|_| "no JSON")?;
    let kind = values::text(&event, "type").ok_or("no event is named")?;
    let data = event.get("data").unwrap_or(&Value::Null);
    let occurred_at = values::text(&event, "timestamp").and_then(|time| self::time(&time));
    let occurred_at = texts::plausible(occurred_at, now);
    let status = match kind.strip_prefix("sms.") {
        Some(status) => status,
        // It is about a person, and no message of ours: STOP itself comes as a message.
        None if kind == "preference.revoked" => return Err("an opt-out that names no message".to_owned()),
        // The endpoint is subscribed to more than is listened to.
        None => return Ok(None),
    };
    let id = values::text(data, "sms_id").ok_or("no message is named")?;
    if status == "received" {
        let inbound = inbound(data, id)?;
        return Ok(Some(NoticeKind::Inbound(Box::new(Inbound { occurred_at, ..inbound }))));
    }
    let told = Accepted {
        provider_message_id: Some(id.clone()),
        segments: send::segments(data).unwrap_or(1),
        cost: send::cost(data),
    };
    let Some(report) = report(status, data, data.get("error"), &told)? else { return Ok(None) };
    let code = data.get("error").and_then(|error| values::text(error, "code")).unwrap_or_default();
    Ok(Some(NoticeKind::Report {
        token: data.get("metadata").and_then(|metadata| values::text(metadata, TOKEN)),
        // An event has no id of its own in the body; a message has each at most once.
        provider_event_id: Some(format!("{id}:{status}:{code}")),
        provider_message_id: Some(id),
        to: values::text(data, "to"),
        channel: Channel::Sms,
        occurred_at,
        report,
    }))
}

/// What a status says of a message; [`None`] if it changes nothing for us.
pub(super) fn report(
    status: &str,
    message: &Value,
    error: Option<&Value>,
    told: &Accepted,
) -> Result<Option<Report>, String> {
    let member = |name: &str| error.and_then(|error| values::text(error, name));
    Ok(Some(match status {
        "accepted" | "scheduled" => return Ok(None),
        "sent" => Report::Sent {
            provider_message_id: told.provider_message_id.clone(),
            segments: send::segments(message).unwrap_or(told.segments),
            cost_micros: told.cost.map(|(micros, _)| micros),
            currency: told.cost.map(|(_, currency)| currency),
            mail_id: None,
        },
        "delivered" => Report::Delivered,
        "undelivered" | "failed" | "rejected" | "expired" => {
            errors::not_delivered(member("code"), member("description"))
        }
        "canceled" => Report::Failed { class: RetryClass::Permanent, code: Some("canceled".to_owned()), detail: None },
        other => return Err(format!("an unknown status: {}", texts::bounded(other, 40))),
    }))
}

fn inbound(data: &Value, id: String) -> Result<Inbound, String> {
    let from = values::text(data, "from").ok_or("an incoming message without a sender")?;
    // One without a text has files only, of which the event says nothing.
    let written = data.get("text").and_then(values::of).ok_or("an incoming message without a text")?;
    let text = texts::bounded(&written, texts::MAX_BODY);
    let mut inbound = Inbound::new(Channel::Sms, id, numbers::e164(&from), text);
    inbound.hints.is_cut = written.chars().count() > texts::MAX_BODY;
    inbound.to = values::text(data, "to").map(|to| numbers::e164(&to));
    inbound.subject = values::text(data, "subject");
    Ok(inbound)
}

pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests;
