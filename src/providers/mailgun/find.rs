//! Looking for a message of which nobody knows whether Mailgun took it.
//!
//! The event `accepted` carries our variables, among them the token, which no other message has: such an event is proof.
//! Events come late, up to half an hour, and are kept for some days only, so that none is no evidence. Mailgun means to
//! replace this list by its Logs API some day.

use chrono::{DateTime, TimeDelta};
use reqwest::Method;
use serde_json::Value;

use super::send::{bare_id, refusal};
use super::{Mailgun, events};
use crate::providers::kit::client::call;
use crate::providers::kit::texts;
use crate::providers::{Accepted, Found, SendError, Unconfirmed};

/// How far Mailgun's clock may be behind ours.
const BEFORE: TimeDelta = TimeDelta::minutes(1);
/// How many events a page holds, at most.
const PAGE: &str = "300";
/// How many pages are read: nobody gets so many messages within days.
const MAX_PAGES: usize = 20;

pub(super) async fn find(mailgun: &Mailgun, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    let Some(token) = message.token.as_deref() else { return Ok(None) };
    let begin = (message.called_at - BEFORE).timestamp().to_string();
    let query = [
        ("event", "accepted"),
        ("recipient", message.to.as_str()),
        ("begin", begin.as_str()),
        ("ascending", "yes"),
        ("limit", PAGE),
    ];
    let path = format!("/v3/{}/events", mailgun.settings.domain);
    let mut request = mailgun.api.request(Method::GET, &path)?.query(&query);
    for _ in 0..MAX_PAGES {
        let reply = call(request).await?;
        match reply.status {
            200 => {}
            // A domain's sending key may not look.
            401 | 403 => return Ok(None),
            _ => return Err(refusal(&reply, mailgun)),
        }
        let page = reply.json().ok_or_else(|| reply.unproved())?;
        let Some(Value::Array(items)) = page.get("items") else { return Err(reply.unproved()) };
        if let Some(event) = items.iter().find(|event| events::token_of(event).as_deref() == Some(token)) {
            return Ok(Some(found(event, mailgun)));
        }
        // There is a next page always; the one behind the last is empty.
        let next = page["paging"]["next"].as_str().filter(|_| !items.is_empty());
        let Some(next) = next else { return Ok(None) };
        request = mailgun.api.request(Method::GET, next)?;
    }
    Ok(None)
}

fn found(event: &Value, mailgun: &Mailgun) -> Found {
    let id = event["message"]["headers"]["message-id"].as_str().and_then(bare_id);
    let accepted = Accepted { provider_message_id: id, segments: 1, cost: None };
    let time = event["timestamp"]
        .as_f64()
        .and_then(events::time)
        .and_then(|at: DateTime<_>| texts::plausible(Some(at), mailgun.ambient.now()));
    Found { accepted, report: None, accepted_at: time }
}
