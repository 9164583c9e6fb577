//! Handing a message to Bird, and testing the workspace.
//!
//! Each attempt has a key of its own, so that nothing between us and Bird makes two messages of one call.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Bird, TOKEN, errors};
use crate::domain::value::message::RetryClass;
use crate::domain::value::{Currency, sms};
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::{numbers, texts, values};
use crate::providers::{Accepted, Content, OutboundMessage, SendError, TextContent};

/// More segments are refused.
const MOST_SEGMENTS: u32 = 12;
/// A call with the same key is being worked on.
const IN_PROGRESS: &str = "E01004";
/// A call with the same key was answered before, with another body.
const KEY_REUSED: &str = "E01005";
/// Keys cannot be looked up at the moment; the call had no effect.
const NO_IDEMPOTENCY: &str = "E01033";

pub(super) async fn send(bird: &Bird, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Text(text) = &message.content else { return Err(SendError::channel_not_served()) };
    if !text.media_urls.is_empty() {
        return Err(SendError::files_not_carried());
    }
    numbers::receiver(&message.to)?;
    if sms::segments(&text.body) > MOST_SEGMENTS {
        let detail = "the text takes more than 12 segments";
        return Err(SendError::refused(RetryClass::ContentRefused, Some("too_long".to_owned()), detail));
    }
    let key = format!("sms/{}/{}", message.key.message_id, message.attempt);
    let request = bird.request(Method::POST)?.header("idempotency-key", key).json(&body(bird, message, text));
    let reply = call(request).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, bird));
    }
    let created = reply.json().ok_or_else(|| reply.unproved())?;
    let accepted = accepted(&created, &text.body).ok_or_else(|| reply.unproved())?;
    // It exists, and was refused before it left.
    if values::text(&created, "status").is_some_and(|status| matches!(status.as_str(), "rejected" | "failed")) {
        let error = created.get("last_error").unwrap_or(&Value::Null);
        let code = values::text(error, "code");
        let class = errors::class(code.as_deref().unwrap_or_default());
        let words = values::text(error, "description").unwrap_or_default();
        return Err(SendError::refused(class, code, texts::bounded(&words, 1_000)));
    }
    Ok(accepted)
}

/// The list of messages is what the key opens without sending anything.
pub(super) async fn check(bird: &Bird) -> Result<(), SendError> {
    let reply = call(bird.request(Method::GET)?.query(&[("limit", "1")])).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, bird));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    if answer.get("data").is_some_and(Value::is_array) { Ok(()) } else { Err(reply.unproved()) }
}

fn body(bird: &Bird, message: &OutboundMessage, text: &TextContent) -> Value {
    let mut body = json!({
        "to": message.to,
        "from": message.from.as_deref().unwrap_or(&bird.settings.from),
        "text": text.body,
        "category": bird.settings.category,
    });
    if let Some(token) = &message.token {
        body["metadata"] = json!({ TOKEN: token });
    }
    body
}

/// A message as the answer to the call that created it; [`None`] if it is none. A price comes later.
pub(super) fn accepted(message: &Value, body: &str) -> Option<Accepted> {
    let id = values::text(message, "id")?;
    values::text(message, "status")?;
    Some(Accepted {
        provider_message_id: Some(id),
        segments: segments(message).unwrap_or_else(|| sms::segments(body)),
        cost: cost(message),
    })
}

/// The parts of a message, where Bird tells.
pub(super) fn segments(message: &Value) -> Option<u32> {
    let count = message.get("segments")?.get("count").and_then(values::of)?;
    count.parse().ok().filter(|&count| count > 0)
}

/// What a message cost so far, with what carriers take.
pub(super) fn cost(message: &Value) -> Option<(i64, Currency)> {
    let cost = message.get("cost")?;
    values::price(values::text(cost, "amount").as_deref(), values::text(cost, "currency_code").as_deref())
}

pub(super) fn refusal(reply: &Reply, bird: &Bird) -> SendError {
    let answer = reply.json().unwrap_or_default();
    let error = answer.get("error").unwrap_or(&Value::Null);
    let [code, name, parameter, words] = ["code", "name", "param", "message"].map(|member| values::text(error, member));
    let words = texts::bounded(&words.unwrap_or_default(), 1_000);
    match (reply.status, code.as_deref()) {
        (503, Some(NO_IDEMPOTENCY)) => return SendError::refused(RetryClass::Transient, code, words),
        // Something repeated our call, whose fate another answer told.
        (409, None | Some(IN_PROGRESS | KEY_REUSED)) => return SendError::Ambiguous { cause: "not_an_answer" },
        _ => {}
    }
    let class =
        errors::call_class(reply.status, name.as_deref().unwrap_or_default(), parameter.as_deref().unwrap_or_default());
    reply.refusal(class, code, words, bird.ambient.now())
}

/// Whether a listed message went to a number.
pub(super) fn went_to(message: &Value, to: &str) -> bool {
    values::text(message, "to").is_some_and(|number| numbers::digits(&number) == numbers::digits(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_price_are_read_where_they_are_known() {
        let created = json!({
            "id": "sms_01jabc",
            "status": "accepted",
            "segments": { "count": 2, "encoding": "UCS2", "characters": 80 },
            "cost": { "amount": "0.01580", "currency_code": "USD", "passthrough_amount": null },
        });
        let read = accepted(&created, "").expect("a message");
        assert_eq!(read.provider_message_id.as_deref(), Some("sms_01jabc"));
        assert_eq!((read.segments, read.cost), (2, Some((15_800, "USD".parse().expect("a currency")))));
        let bare = accepted(&json!({ "id": "sms_1", "status": "accepted", "cost": null }), "hello").expect("a message");
        assert_eq!((bare.segments, bare.cost), (1, None));
        for none in [json!({}), json!({ "id": "x" }), json!({ "status": "accepted" }), json!([])] {
            assert_eq!(accepted(&none, ""), None, "{none}");
        }
    }
}
