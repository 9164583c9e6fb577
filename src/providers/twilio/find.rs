//! Looking for a message of which nobody knows whether Twilio took it.
//!
//! Messages cannot be found by anything of ours: the list goes by number and day only, and the day is missing while a
//! message waits. So all messages to the number are read, and the one counts that was created while we called, with the
//! same text, by the API, and is not another message's. Two such are no evidence for either.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::Value;

use super::send::{accepted, at, authorised, is_message, refusal, request};
use super::{Twilio, webhook};
use crate::providers::kit::client::call;
use crate::providers::kit::texts;
use crate::providers::{Found, SendError, Unconfirmed};

/// How far Twilio's clock may be behind ours.
const BEFORE: TimeDelta = TimeDelta::seconds(5);
/// How much later than our giving up a message may have been created.
const AFTER: TimeDelta = TimeDelta::seconds(60);
/// How many messages a page holds.
const PAGE: &str = "200";
/// How many pages are read: nobody gets so many messages.
const MAX_PAGES: usize = 50;

pub(super) async fn find(twilio: &Twilio, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    // Pages shift while they are read: a message may stand on two of them.
    let mut matches = BTreeMap::new();
    let mut next =
        Some(request(twilio, Method::GET, "Messages.json")?.query(&[("To", message.to.as_str()), ("PageSize", PAGE)]));
    for _ in 0..MAX_PAGES {
        let Some(request) = next.take() else { break };
        let reply = call(request).await?;
        if reply.status != 200 {
            return Err(refusal(&reply, twilio));
        }
        let page = reply.json().ok_or_else(|| reply.unproved())?;
        let Some(Value::Array(messages)) = page.get("messages") else { return Err(reply.unproved()) };
        for candidate in messages.iter().filter(|candidate| is_it(candidate, message)) {
            let sid = candidate.get("sid").and_then(Value::as_str).unwrap_or_default();
            matches.insert(sid.to_owned(), candidate.clone());
        }
        if let Some(path) = page.get("next_page_uri").and_then(Value::as_str) {
            next = Some(authorised(twilio, Method::GET, at(twilio, path)?));
        }
    }
    let mut matches = matches.into_values();
    Ok(match (matches.next(), matches.next()) {
        (Some(only), None) => Some(found(&only, message, twilio.ambient.now())),
        _ => None,
    })
}

fn is_it(candidate: &Value, message: &Unconfirmed) -> bool {
    let text = |name: &str| candidate.get(name).and_then(Value::as_str).unwrap_or_default();
    let created = time(candidate, "date_created");
    is_message(candidate)
        && text("direction") == "outbound-api"
        && text("to") == message.to
        && text("body").trim_end() == message.body.trim_end()
        && created.is_some_and(|at| message.called_at - BEFORE <= at && at <= message.given_up_at + AFTER)
        && !message.claimed.iter().any(|sid| sid == text("sid"))
}

fn found(message: &Value, asked: &Unconfirmed, now: DateTime<Utc>) -> Found {
    let status = message.get("status").and_then(Value::as_str).unwrap_or_default();
    let code = message.get("error_code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
    let accepted = accepted(message, &asked.body);
    let report = webhook::report(status, code, accepted.provider_message_id.clone(), None).ok().flatten();
    Found { accepted, report, accepted_at: texts::plausible(time(message, "date_created"), now) }
}

fn time(message: &Value, name: &str) -> Option<DateTime<Utc>> {
    let text = message.get(name).and_then(Value::as_str)?;
    DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}
