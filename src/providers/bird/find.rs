//! Looking for a message of which nobody knows whether Bird took it: the list tells the metadata of messages, and our token is in
//! them. What is not found proves nothing.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::Value;

use super::send::{accepted, refusal, went_to};
use super::{Bird, TOKEN, webhook};
use crate::providers::kit::client::call;
use crate::providers::kit::{texts, values};
use crate::providers::{Found, SendError, Unconfirmed};

/// How far Bird's clock may be behind ours.
const BEFORE: TimeDelta = TimeDelta::minutes(1);
/// How many pages are read: nobody gets so many messages since.
const MAX_PAGES: usize = 20;

pub(super) async fn find(bird: &Bird, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    let Some(token) = &message.token else { return Ok(None) };
    let since = (message.called_at - BEFORE).to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let mut query =
            vec![("direction", "outbound"), ("to", &message.to), ("created_after", &since), ("limit", "50")];
        query.extend(cursor.as_deref().map(|cursor| ("starting_after", cursor)));
        let reply = call(bird.request(Method::GET)?.query(&query)).await?;
        if reply.status != 200 {
            return Err(refusal(&reply, bird));
        }
        let page = reply.json().ok_or_else(|| reply.unproved())?;
        let Some(Value::Array(messages)) = page.get("data") else { return Err(reply.unproved()) };
        let has_token = |candidate: &&Value| {
            let metadata = candidate.get("metadata");
            metadata.and_then(|metadata| metadata.get(TOKEN)).and_then(Value::as_str) == Some(token)
        };
        let is_claimed =
            |candidate: &Value| values::text(candidate, "id").is_some_and(|id| message.claimed.contains(&id));
        let mut ours = messages.iter().filter(has_token);
        if let Some(ours) = ours.find(|candidate| went_to(candidate, &message.to) && !is_claimed(candidate)) {
            return Ok(found(ours, message, bird.ambient.now()));
        }
        cursor = values::text(&page, "next_cursor");
        if cursor.is_none() {
            break;
        }
    }
    Ok(None)
}

fn found(message: &Value, asked: &Unconfirmed, now: DateTime<Utc>) -> Option<Found> {
    let accepted = accepted(message, &asked.body)?;
    let status = values::text(message, "status").unwrap_or_default();
    let report = webhook::report(&status, message, message.get("last_error"), &accepted).ok().flatten();
    let created = values::text(message, "created_at").and_then(|time| webhook::time(&time));
    Some(Found { accepted_at: texts::plausible(created, now), accepted, report })
}
