//! What webhooks report of mails, one event in each request.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{errors, tags};
use crate::domain::value::Channel;
use crate::domain::value::engagement::{self, Signs};
use crate::domain::value::message::Report;
use crate::providers::NoticeKind;
use crate::providers::kit::texts;

/// The kind of event that announces a mail which came in.
pub(super) const RECEIVED: &str = "email.received";

/// A time as Resend writes it: in RFC 3339, or the way of a database, with three to six digits of a second.
pub(super) fn time(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    let time =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"));
    time.ok().map(|time| time.to_utc())
}

/// An id of Resend's: a UUID, fit to stand in a path.
pub(super) fn id_in(value: &Value) -> Option<String> {
    let id = value.as_str()?;
    let is_id =
        !id.is_empty() && id.len() <= 100 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_id.then(|| id.to_owned())
}

/// What an event says of a mail of ours; [`None`] if we have no word for it. `id` is that of the request: there is none of
/// the event's.
pub(super) fn notice(event: &Value, id: Option<String>, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
    let name = event["type"].as_str().ok_or("an event without a kind")?;
    let data = &event["data"];
    let Some(report) = report(name, data)? else { return Ok(None) };
    Ok(Some(NoticeKind::Report {
        token: tags::token_in(&data["tags"]),
        provider_message_id: id_in(&data["email_id"]),
        // Each mail goes to one receiver.
        to: data["to"][0].as_str().or_else(|| data["to"].as_str()).and_then(texts::short),
        channel: Channel::Email,
        // The one within is that of the mail.
        occurred_at: texts::plausible(time(&event["created_at"]), now),
        provider_event_id: id,
        report,
    }))
}

fn report(name: &str, data: &Value) -> Result<Option<Report>, String> {
    let text = |value: &Value| value.as_str().and_then(texts::short);
    // Of an open nothing more is told; without any sign it counts as a person's.
    let click = &data["click"];
    let (ip, user_agent) = (text(&click["ipAddress"]), text(&click["userAgent"]));
    let rule = engagement::CURRENT;
    let signs = Signs { user_agent: user_agent.as_deref(), ip: ip.as_deref(), is_flagged: false };
    let (class, rule, flagged) = ((rule.class)(signs), rule.name.to_owned(), None);
    Ok(Some(match name {
        // Evidence that Resend took the message, should the answer to the call have been lost.
        "email.sent" => Report::Sent {
            provider_message_id: id_in(&data["email_id"]),
            segments: 1,
            cost_micros: None,
            currency: None,
            // With its angle brackets, which the id of a mail that came in has there.
            mail_id: text(&data["message_id"]).map(|id| format!("<{}>", id.trim_matches(['<', '>']))),
        },
        "email.delivered" => Report::Delivered,
        "email.delivery_delayed" => Report::Deferred { code: None, detail: None },
        "email.complained" => Report::Complained { kind: Some("abuse".to_owned()) },
        "email.opened" => Report::Opened { class, rule, flagged, ip, user_agent },
        "email.clicked" => Report::Clicked { class, rule, flagged, url: text(&click["link"]), ip, user_agent },
        "email.bounced" => {
            let bounce = &data["bounce"];
            let word = |name: &str| bounce[name].as_str().unwrap_or_default();
            let codes = bounce["diagnosticCode"].as_array().into_iter().flatten();
            let codes: Vec<_> = codes.filter_map(Value::as_str).take(10).collect();
            let message = text(&bounce["message"]);
            errors::bounced(word("type"), word("subType"), message, texts::short(&codes.join("; ")))
        }
        "email.suppressed" => {
            let suppressed = &data["suppressed"];
            errors::suppressed(suppressed["reason"].as_str().unwrap_or_default(), text(&suppressed["message"]))
        }
        "email.failed" => errors::failed(text(&data["failed"]["reason"])),
        // Before it is sent; and what is no mail of ours: Resend's own lists of people, its domains.
        "email.scheduled" => return Ok(None),
        other if ["contact.", "domain.", "suppression."].iter().any(|kind| other.starts_with(kind)) => return Ok(None),
        other => return Err(format!("an unknown event: {}", texts::bounded(other, 40))),
    }))
}

#[cfg(test)]
mod tests;
