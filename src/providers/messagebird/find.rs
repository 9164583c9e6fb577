//! Looking for a message of which nobody knows whether MessageBird took it: the list of messages tells their references, and ours
//! is the message's id. No search goes by the reference, so the list is read page by page. That it begins with the newest is
//! not documented, and judged by what comes; what is not found proves nothing.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::Value;

use super::send::{accepted, item, refusal};
use super::{Messagebird, webhook};
use crate::providers::kit::client::call;
use crate::providers::kit::{numbers, texts, values};
use crate::providers::{Found, SendError, Unconfirmed};

/// How many messages a page is asked to hold; it may hold fewer.
const PAGE: &str = "100";
/// How many pages are read.
const MAX_PAGES: usize = 50;
/// How far MessageBird's clock may be behind ours.
const BEFORE: TimeDelta = TimeDelta::minutes(1);

pub(super) async fn find(account: &Messagebird, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    let mut offset = 0;
    for _ in 0..MAX_PAGES {
        let query = [("direction", "mt"), ("limit", PAGE), ("offset", &offset.to_string())];
        let reply = call(account.request(Method::GET, "/messages")?.query(&query)).await?;
        if reply.status != 200 {
            return Err(refusal(&reply, account));
        }
        let page = reply.json().ok_or_else(|| reply.unproved())?;
        let Some(Value::Array(messages)) = page.get("items") else { return Err(reply.unproved()) };
        if let Some(ours) = messages.iter().find(|candidate| is_it(candidate, message)) {
            return Ok(found(ours, message, account.ambient.now()));
        }
        offset += messages.len();
        let total = page.get("totalCount").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
        let is_last = messages.is_empty() || total.is_some_and(|total| offset >= total);
        if is_last || is_behind(messages, message.called_at - BEFORE) {
            break;
        }
    }
    Ok(None)
}

/// Whether a page goes from newer to older and ends before a moment: what follows is older still.
fn is_behind(messages: &[Value], moment: DateTime<Utc>) -> bool {
    let first = messages.first().and_then(created_at);
    let last = messages.last().and_then(created_at);
    first.zip(last).is_some_and(|(first, last)| first > last && last < moment)
}

fn is_it(candidate: &Value, message: &Unconfirmed) -> bool {
    let receiver = item(candidate).and_then(|item| values::text(item, "recipient"));
    values::text(candidate, "reference").is_some_and(|reference| reference == message.key.message_id.to_string())
        && receiver.is_some_and(|receiver| receiver == numbers::digits(&message.to))
        && !values::text(candidate, "id").is_some_and(|id| message.claimed.contains(&id))
}

fn found(message: &Value, asked: &Unconfirmed, now: DateTime<Utc>) -> Option<Found> {
    let item = item(message)?;
    let accepted = accepted(message, &asked.body)?;
    let status = values::text(item, "status").unwrap_or_default();
    let code = values::text(item, "statusErrorCode").and_then(|code| code.parse().ok());
    let report = webhook::report(&status, code, &accepted, values::text(item, "statusReason")).ok().flatten();
    Some(Found { accepted_at: texts::plausible(created_at(message), now), accepted, report })
}

fn created_at(message: &Value) -> Option<DateTime<Utc>> {
    values::text(message, "createdDatetime").and_then(|time| webhook::time(&time))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_left_only_where_it_is_known_to_go_back_in_time() {
        let page = |times: &[&str]| times.iter().map(|time| json!({ "createdDatetime": time })).collect::<Vec<_>>();
        let moment = webhook::time("2026-01-01T14:00:00+00:00").expect("a time");
        assert!(is_behind(&page(&["2026-01-01T15:00:00+00:00", "2026-01-01T13:00:00+00:00"]), moment));
        assert!(!is_behind(&page(&["2026-01-01T15:00:00+00:00", "2026-01-01T14:30:00+00:00"]), moment));
        assert!(!is_behind(&page(&["2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+00:00"]), moment));
        assert!(!is_behind(&page(&["2026-01-01T12:00:00+00:00"]), moment));
        assert!(!is_behind(&[json!({})], moment) && !is_behind(&[], moment));
    }
}
