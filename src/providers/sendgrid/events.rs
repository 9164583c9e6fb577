//! Batches of the Event Webhook. One item that cannot be read does not hide the others.

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{TOKEN, errors};
use crate::domain::value::Channel;
use crate::domain::value::engagement::{self, Signs};
use crate::domain::value::message::{Report, group_topic};
use crate::providers::kit::texts;
use crate::providers::{Notice, NoticeKind};

/// An opt-out that was clicked in a mail concerns consent only, and not the address: what is not marketing may still go.
const ONE_CLICK: &str = "one_click";

pub(super) fn parse(body: &[u8], now: DateTime<Utc>) -> Vec<Notice> {
    if let Ok(items) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        return items.into_iter().map(|item| notice(item.get(), now)).collect();
    }
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(item) => vec![notice(item.get(), now)],
        Err(_) => vec![Notice::unclear(texts::raw(body), "a batch that is not JSON")],
    }
}

fn notice(item: &str, now: DateTime<Utc>) -> Notice {
    let raw = texts::raw(item.as_bytes());
    let event = match serde_json::from_str::<Value>(item) {
        Ok(Value::Object(event)) => Event(event),
        Ok(_) | Err(_) => return Notice::unclear(raw, "an item that is not an event"),
    };
    match event.kind(now) {
        Ok(kind) => Notice { raw, kind },
        Err(reason) => Notice::unclear(raw, reason),
    }
}

struct Event(serde_json::Map<String, Value>);

impl Event {
    fn text(&self, name: &str) -> Option<String> {
        texts::short(self.0.get(name)?.as_str()?)
    }

    /// A number is one at times in quotes.
    fn time(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let seconds = match self.0.get("timestamp")? {
            Value::Number(seconds) => seconds.as_i64(),
            Value::String(seconds) => seconds.parse().ok(),
            _ => None,
        };
        texts::plausible(DateTime::from_timestamp(seconds?, 0), now)
    }

    /// What `X-Message-Id` said: the part before the first point. Some bounces that come late lack it.
    fn message_id(&self) -> Option<String> {
        let id = self.text("sg_message_id")?;
        id.split('.').next().and_then(texts::short)
    }

    fn kind(&self, now: DateTime<Utc>) -> Result<NoticeKind, String> {
        let name = self.text("event").ok_or("an item without a kind")?;
        if name == "group_resubscribe" {
            return Ok(NoticeKind::Resubscribed {
                token: self.text(TOKEN),
                address: self.text("email"),
                channel: Channel::Email,
                occurred_at: self.time(now),
                provider_event_id: self.text("sg_event_id"),
                group: self.0.get("asm_group_id").map(|group| texts::bounded(&group.to_string(), 100)),
            });
        }
        let report = self.report(&name)?;
        Ok(NoticeKind::Report {
            token: self.text(TOKEN),
            provider_message_id: self.message_id(),
            to: self.text("email"),
            channel: Channel::Email,
            occurred_at: self.time(now),
            provider_event_id: self.text("sg_event_id"),
            report,
        })
    }

    fn report(&self, name: &str) -> Result<Report, String> {
        let (reason, status) = (self.text("reason"), self.text("status"));
        let (ip, user_agent) = (self.text("ip"), self.text("useragent"));
        let flagged = self.0.get("sg_machine_open").map(|flag| flag == true || flag == "true");
        let is_flagged = flagged.unwrap_or(false);
        let rule = engagement::CURRENT;
        let class = (rule.class)(Signs { user_agent: user_agent.as_deref(), ip: ip.as_deref(), is_flagged });
        let rule = rule.name.to_owned();
        Ok(match name {
            // Evidence that SendGrid took the message, should the answer to the call have been lost.
            "processed" => {
                let (provider_message_id, mail_id) = (self.message_id(), self.text("smtp-id"));
                Report::Sent { provider_message_id, segments: 1, cost_micros: None, currency: None, mail_id }
            }
            "deferred" => {
                let detail = self.text("response").or(reason);
                Report::Deferred { code: detail.as_deref().and_then(errors::code_in).or(status), detail }
            }
            "delivered" => Report::Delivered,
            "bounce" => {
                let classification = self.text("bounce_classification").unwrap_or_default();
                errors::bounced(&self.text("type").unwrap_or_default(), status, &classification, reason)
            }
            "dropped" => errors::dropped(reason, status),
            "open" => Report::Opened { class, rule, flagged, ip, user_agent },
            "click" => Report::Clicked { class, rule, flagged, url: self.text("url"), ip, user_agent },
            "spamreport" => Report::Complained { kind: Some("abuse".to_owned()) },
            "unsubscribe" => Report::OptedOut { method: ONE_CLICK.to_owned(), topic: None },
            "group_unsubscribe" => {
                let topic = self.0.get("asm_group_id").map(|group| group_topic(&group.to_string()));
                Report::OptedOut { method: ONE_CLICK.to_owned(), topic }
            }
            other => return Err(format!("an unknown event: {}", texts::bounded(other, 40))),
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
