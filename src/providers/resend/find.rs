//! Looking for a message of which nobody knows whether Resend took it.
//!
//! The list of sent mails goes by time and shows no tags. So those are read one by one that went to the
//! same address while we called, and the one counts that carries our token, which no other message has: that is proof.
//!
//! The idempotency key is none. A repeated request with the key and the very same body sends nothing that was taken, but it
//! does send what was not, and nobody may have wished for that since; besides, the whole body is not at hand here. With
//! another body Resend says that it knows the key, which shows that a request came and not that its mail was taken, and
//! sends the other body if it does not know it. And a key that comes before its own request, which may still be on the
//! way, makes Resend refuse that.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::Value;

use super::errors::refusal;
use super::{Resend, events, tags};
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Found, SendError, Unconfirmed};

/// How far Resend's clock may be behind ours.
const BEFORE: TimeDelta = TimeDelta::seconds(5);
/// How much later than our giving up a message may have been created.
const AFTER: TimeDelta = TimeDelta::seconds(60);
/// How many mails a page holds, at most.
const PAGE: usize = 100;
/// How many pages are read, the newest mails first: some minutes of a large account. Resend takes few calls a second.
const MAX_PAGES: usize = 20;
/// How many mails are read one by one.
const MAX_CANDIDATES: usize = 5;

pub(super) async fn find(resend: &Resend, message: &Unconfirmed) -> Result<Option<Found>, SendError> {
    let Some(token) = message.token.as_deref() else { return Ok(None) };
    let Some(candidates) = candidates(resend, message).await? else { return Ok(None) };
    for id in candidates {
        let reply = call(resend.api.request(Method::GET, &format!("/emails/{id}"))?).await?;
        if reply.status != 200 {
            return Err(refusal(&reply, resend.ambient.now()));
        }
        let mail = reply.json().ok_or_else(|| reply.unproved())?;
        if tags::token_in(&mail["tags"]).as_deref() == Some(token) {
            let accepted = Accepted { provider_message_id: Some(id), segments: 1, cost: None };
            let accepted_at = texts::plausible(created(&mail), resend.ambient.now());
            return Ok(Some(Found { accepted, report: None, accepted_at }));
        }
    }
    Ok(None)
}

/// The ids of the mails that may be it; [`None`] if the key may not list any.
async fn candidates(resend: &Resend, message: &Unconfirmed) -> Result<Option<Vec<String>>, SendError> {
    let (mut found, mut after) = (vec![], None::<String>);
    for _ in 0..MAX_PAGES {
        let request = resend.api.request(Method::GET, "/emails")?.query(&[("limit", PAGE)]);
        let reply = call(request.query(&[("after", after.as_deref())])).await?;
        if reply.status != 200 {
            return may_not_list(&reply, resend);
        }
        let page = reply.json().ok_or_else(|| reply.unproved())?;
        let Some(Value::Array(mails)) = page.get("data") else { return Err(reply.unproved()) };
        found.extend(mails.iter().filter(|mail| may_be_it(mail, message)).filter_map(id));
        // Those that follow are older still.
        let last = mails.last().filter(|_| page["has_more"] == true && found.len() < MAX_CANDIDATES);
        let is_older = |mail: &Value| created(mail).is_some_and(|at| at < message.called_at - BEFORE);
        after = last.filter(|mail| !is_older(mail)).and_then(id);
        if after.is_none() {
            break;
        }
    }
    found.truncate(MAX_CANDIDATES);
    Ok(Some(found))
}

/// A key with sending access only has no way to look.
fn may_not_list<T>(reply: &Reply, resend: &Resend) -> Result<Option<T>, SendError> {
    match refusal(reply, resend.ambient.now()) {
        SendError::Refused { code: Some(code), .. } if code == "restricted_api_key" => Ok(None),
        refused => Err(refused),
    }
}

fn may_be_it(mail: &Value, message: &Unconfirmed) -> bool {
    let is_to = |to: &Value| to.as_str().is_some_and(|to| texts::address_in(to).eq_ignore_ascii_case(&message.to));
    let is_claimed = id(mail).is_none_or(|id| message.claimed.contains(&id));
    let is_then = created(mail).is_some_and(|at| message.called_at - BEFORE <= at && at <= message.given_up_at + AFTER);
    is_then && !is_claimed && mail["to"].as_array().is_some_and(|to| to.iter().any(is_to))
}

fn id(mail: &Value) -> Option<String> {
    events::id_in(&mail["id"])
}

fn created(mail: &Value) -> Option<DateTime<Utc>> {
    events::time(&mail["created_at"])
}
