//! What event webhooks report, one event in each request.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::send::bare_id;
use super::{TOKEN, errors};
use crate::domain::value::Channel;
use crate::domain::value::engagement::{self, Signs};
use crate::domain::value::message::Report;
use crate::providers::kit::texts;
use crate::providers::{Notice, NoticeKind};

/// An opt-out that was clicked in a mail concerns consent only, and not the address: what is not marketing may still go.
const ONE_CLICK: &str = "one_click";

/// What is reported, without its signature.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "event-data")]
    data: &'a RawValue,
}

/// Reads a request with its signature around the event, or the event alone as it was kept. [`None`] if it says nothing that
/// we have a word for.
pub(super) fn parse(body: &[u8], now: DateTime<Utc>) -> Option<Notice> {
    let event = serde_json::from_slice::<Envelope<'_>>(body).map_or(body, |envelope| envelope.data.get().as_bytes());
    let raw = texts::raw(event);
    let event = match serde_json::from_slice::<Value>(event) {
        Ok(event @ Value::Object(_)) => Event(event),
        Ok(_) | Err(_) => return Some(Notice::unclear(raw, "a request that is not an event")),
    };
    match event.kind(now) {
        Ok(kind) => Some(Notice { raw, kind: kind? }),
        Err(reason) => Some(Notice::unclear(raw, reason)),
    }
}

/// A time in seconds, and parts of them.
pub(super) fn time(seconds: f64) -> Option<DateTime<Utc>> {
    let is_possible = seconds.is_finite() && (0.0..1e11).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "a time within the next thousands of years")]
    is_possible.then(|| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)).flatten()
}

/// Our token in an event; its variables are an empty list at times.
pub(super) fn token_of(event: &Value) -> Option<String> {
    texts::short(event["user-variables"][TOKEN].as_str()?)
}

struct Event(Value);

impl Event {
    fn text(&self, name: &str) -> Option<String> {
        texts::short(self.0[name].as_str()?)
    }

    /// A number is one at times in quotes.
    fn time(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let seconds = match &self.0["timestamp"] {
            Value::Number(seconds) => seconds.as_f64(),
            Value::String(seconds) => seconds.parse().ok(),
            _ => None,
        };
        texts::plausible(time(seconds?), now)
    }

    /// Ids are unique within a day only.
    fn id(&self, now: DateTime<Utc>) -> Option<String> {
        let day = self.time(now)?.format("%Y-%m-%d");
        Some(format!("{} {day}", self.text("id")?))
    }

    fn message_id(&self) -> Option<String> {
        bare_id(self.0["message"]["headers"]["message-id"].as_str()?)
    }

    fn kind(&self, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
        let name = self.text("event").ok_or("an event without a kind")?;
        // A mail that came in and is passed on by a route is no message of ours.
        let is_routed = self.0["flags"]["is-routed"] == true;
        if is_routed && token_of(&self.0).is_none() {
            return Ok(None);
        }
        let Some(report) = self.report(&name)? else { return Ok(None) };
        let to = || texts::short(texts::address_in(self.0["message"]["headers"]["to"].as_str()?));
        Ok(Some(NoticeKind::Report {
            token: token_of(&self.0),
            provider_message_id: self.message_id(),
            to: self.text("recipient").or_else(to),
            channel: Channel::Email,
            occurred_at: self.time(now),
            provider_event_id: self.id(now),
            report,
        }))
    }

    fn report(&self, name: &str) -> Result<Option<Report>, String> {
        let client = &self.0["client-info"];
        let (ip, user_agent) = (self.text("ip"), client["user-agent"].as_str().and_then(texts::short));
        // Mailgun's own guess, by its kind: `apple`, `gmail`, `generic`; empty for a person.
        let flagged = client["bot"].as_str().map(|bot| !bot.is_empty());
        let is_flagged = flagged.unwrap_or(false);
        let rule = engagement::CURRENT;
        let class = (rule.class)(Signs { user_agent: user_agent.as_deref(), ip: ip.as_deref(), is_flagged });
        let rule = rule.name.to_owned();
        Ok(Some(match name {
            // Evidence that Mailgun took the message, should the answer to the call have been lost.
            "accepted" => {
                let provider_message_id = self.message_id();
                let mail_id = provider_message_id.as_ref().map(|id| format!("<{id}>"));
                Report::Sent { provider_message_id, segments: 1, cost_micros: None, currency: None, mail_id }
            }
            "delivered" => Report::Delivered,
            "failed" if self.0["severity"] == "temporary" => {
                let failure = self.failure();
                let code = failure.enhanced.or_else(|| failure.code.map(|code| code.to_string()));
                Report::Deferred { code, detail: failure.words }
            }
            "failed" => errors::failed(self.failure()),
            "rejected" => errors::rejected(self.0["reject"]["reason"].as_str().and_then(texts::short)),
            "opened" => Report::Opened { class, rule, flagged, ip, user_agent },
            "clicked" => Report::Clicked { class, rule, flagged, url: self.text("url"), ip, user_agent },
            "unsubscribed" => Report::OptedOut { method: ONE_CLICK.to_owned(), topic: None },
            "complained" => Report::Complained { kind: Some("abuse".to_owned()) },
            // A mail that came in is told of by its route; lists of addresses are not ours.
            "stored" | "list_member_uploaded" | "list_member_upload_error" | "list_uploaded" => return Ok(None),
            other => return Err(format!("an unknown event: {}", texts::bounded(other, 40))),
        }))
    }

    fn failure(&self) -> errors::Failure<'_> {
        let status = &self.0["delivery-status"];
        let text = |name: &str| status[name].as_str().and_then(texts::short);
        errors::Failure {
            reason: self.0["reason"].as_str().unwrap_or_default(),
            code: status["code"].as_u64().filter(|&code| code > 0),
            enhanced: text("enhanced-code").or_else(|| text("bounce-code")),
            words: text("message").or_else(|| text("description")),
        }
    }
}

#[cfg(test)]
mod tests;
