//! Looking for a message or call of which nobody knows whether Twilio took it.
//!
//! Neither can be found by anything of ours: the lists go by number and day only, and the day is missing while a message waits. So
//! all to the number are read, and the one counts that was created while we called, with the same text, by the API, and is not
//! another message's. A call has no text to compare. Two such are no evidence for either.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::Value;

use super::api::{at, authorised, refusal, request};
use super::call::is_call;
use super::send::{WHATSAPP, is_message};
use super::{Twilio, webhook};
use crate::domain::value::Channel;
use crate::providers::kit::client::call as ask;
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

pub(super) async fn message(twilio: &Twilio, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    let to = match message.key.channel {
        Channel::Whatsapp => format!("{WHATSAPP}{}", message.to),
        _ => message.to.clone(),
    };
    let is_it = |candidate: &Value| {
        is_message(candidate)
            && is_ours(candidate, &to, message)
            && text(candidate, "body").trim_end() == message.body.trim_end()
    };
    let Some(found) = only(twilio, "Messages.json", "messages", &to, is_it).await? else { return Ok(None) };
    let code = found.get("error_code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
    let accepted = super::send::accepted(&found, message.key.channel, &message.body);
    let status = text(&found, "status");
    let report = webhook::messages::report(status, code, accepted.provider_message_id.clone(), None).ok().flatten();
    let accepted_at = texts::plausible(time(&found, "date_created"), twilio.ambient.now());
    Ok(Some(Found { accepted, report, accepted_at }))
}

pub(super) async fn call(twilio: &Twilio, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    let is_it = |candidate: &Value| is_call(candidate) && is_ours(candidate, &message.to, message);
    let Some(found) = only(twilio, "Calls.json", "calls", &message.to, is_it).await? else { return Ok(None) };
    let accepted = super::call::accepted(&found);
    let ended = webhook::calls::ended(text(&found, "status"), found.get("answered_by").and_then(Value::as_str), None);
    let accepted_at = texts::plausible(time(&found, "date_created"), twilio.ambient.now());
    Ok(Some(Found { accepted, report: ended.map(|(_, report)| report), accepted_at }))
}

/// The only one of a list that it is, if there is one.
async fn only(
    twilio: &Twilio,
    resource: &str,
    list: &str,
    to: &str,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Option<Value>, SendError> {
    // Pages shift while they are read: a message may stand on two of them.
    let mut matches = BTreeMap::new();
    let mut next = Some(request(twilio, Method::GET, resource)?.query(&[("To", to), ("PageSize", PAGE)]));
    for _ in 0..MAX_PAGES {
        let Some(request) = next.take() else { break };
        let reply = ask(request).await?;
        if reply.status != 200 {
            return Err(refusal(&reply, twilio));
        }
        let page = reply.json().ok_or_else(|| reply.unproved())?;
        let Some(Value::Array(listed)) = page.get(list) else { return Err(reply.unproved()) };
        for candidate in listed.iter().filter(|candidate| is_it(candidate)) {
            matches.insert(text(candidate, "sid").to_owned(), candidate.clone());
        }
        if let Some(path) = page.get("next_page_uri").and_then(Value::as_str) {
            next = Some(authorised(twilio, Method::GET, at(twilio, path)?));
        }
    }
    let mut matches = matches.into_values();
    Ok(match (matches.next(), matches.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    })
}

/// Whether it was made by the API while we called, and belongs to no other message.
fn is_ours(candidate: &Value, to: &str, message: &Unconfirmed) -> bool {
    let created = time(candidate, "date_created");
    text(candidate, "direction") == "outbound-api"
        && text(candidate, "to") == to
        && created.is_some_and(|at| message.called_at - BEFORE <= at && at <= message.given_up_at + AFTER)
        && !message.claimed.iter().any(|sid| sid == text(candidate, "sid"))
}

fn text<'a>(resource: &'a Value, name: &str) -> &'a str {
    resource.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn time(resource: &Value, name: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text(resource, name)).ok().map(|time| time.to_utc())
}
