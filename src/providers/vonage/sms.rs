//! The SMS API: handing a message over, and testing the account.
//!
//! It answers with status 200 whatever came of it, and with an entry for each part of a long text.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::{Vonage, errors, reference};
use crate::domain::value::message::RetryClass;
use crate::domain::value::{Currency, sms};
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::{numbers, texts, values};
use crate::providers::{Accepted, OutboundMessage, Secret, SendError, TextContent};

/// The longest callback URL, in characters.
const LONGEST_CALLBACK: usize = 100;

pub(super) async fn send(
    vonage: &Vonage,
    secret: &Secret,
    message: &OutboundMessage,
    text: &TextContent,
) -> Result<Accepted, SendError> {
    let request = vonage.request(Method::POST, "/sms/json")?.form(&form(vonage, message, text)?);
    let reply = call(request.basic_auth(&vonage.settings.api_key, Some(secret.expose()))).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, vonage));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    judge(&answer, vonage.settings.currency).unwrap_or_else(|| Err(reply.unproved()))
}

/// The account's balance is what its credentials open without sending anything.
pub(super) async fn check(vonage: &Vonage, secret: &Secret) -> Result<(), SendError> {
    let request = vonage.request(Method::GET, "/account/get-balance")?;
    let reply = call(request.basic_auth(&vonage.settings.api_key, Some(secret.expose()))).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, vonage));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    if answer.get("value").and_then(values::of).is_some() { Ok(()) } else { Err(reply.unproved()) }
}

fn form(
    vonage: &Vonage,
    message: &OutboundMessage,
    text: &TextContent,
) -> Result<Vec<(&'static str, String)>, SendError> {
    // Otherwise Vonage puts `?` where a letter is not in GSM-7.
    let kind = if text.body.chars().all(sms::is_gsm) { "text" } else { "unicode" };
    let mut form = vec![
        ("from", vonage.sender(message).to_owned()),
        ("to", numbers::receiver(&message.to)?.to_owned()),
        ("text", text.body.clone()),
        ("type", kind.to_owned()),
        ("client-ref", reference(message)),
        ("status-report-req", "1".to_owned()),
    ];
    // A longer one must stand in the account's settings.
    let url = vonage.settings.callback_url.as_ref().map(url::Url::as_str);
    form.extend(url.filter(|url| url.len() <= LONGEST_CALLBACK).map(|url| ("callback", url.to_owned())));
    Ok(form)
}

/// What an answer says; [`None`] if it does not say what an answer says.
fn judge(answer: &Value, currency: Currency) -> Option<Result<Accepted, SendError>> {
    let parts = answer.get("messages")?.as_array().filter(|parts| !parts.is_empty())?;
    let statuses = parts.iter().map(|part| values::text(part, "status")?.parse().ok());
    let statuses: Vec<u32> = statuses.collect::<Option<_>>()?;
    let taken = statuses.iter().filter(|status| **status == 0).count();
    if taken == parts.len() {
        return Some(Ok(accepted(parts, currency)?));
    }
    if taken > 0 {
        return Some(Err(SendError::Ambiguous { cause: "partly_accepted" }));
    }
    let classes: Option<Vec<_>> = statuses.iter().map(|status| errors::answer_class(*status)).collect();
    let Some(class) = classes.and_then(|classes| classes.first().copied()) else {
        return Some(Err(SendError::Ambiguous { cause: "server_error" }));
    };
    let words = values::text(&parts[0], "error-text").unwrap_or_default();
    Some(Err(SendError::Refused {
        class,
        code: statuses.first().map(ToString::to_string),
        retry_after: if class == RetryClass::RateLimited { pause_in(&words) } else { None },
        detail: texts::bounded(&words, 1_000),
    }))
}

/// All parts were taken. Each has an id; the first one's is the message's.
fn accepted(parts: &[Value], currency: Currency) -> Option<Accepted> {
    let prices = parts.iter().map(|part| values::micros(&values::text(part, "message-price")?));
    let cost =
        prices.collect::<Option<Vec<_>>>().and_then(|prices| prices.into_iter().try_fold(0_i64, i64::checked_add));
    Some(Accepted {
        provider_message_id: Some(values::text(&parts[0], "message-id")?),
        segments: u32::try_from(parts.len()).ok()?,
        cost: cost.map(|cost| (cost, currency)),
    })
}

/// The milliseconds in `Throughput Rate Exceeded - please wait [ 250 ] and retry`.
fn pause_in(words: &str) -> Option<Duration> {
    let (inside, _) = words.split_once('[')?.1.split_once(']')?;
    let millis: u64 = inside.trim().parse().ok()?;
    Some(Duration::from_millis(millis.min(60_000)))
}

fn refusal(reply: &Reply, vonage: &Vonage) -> SendError {
    let class = (reply.status == 402).then_some(RetryClass::Configuration);
    let error = reply.json().unwrap_or_default();
    let words = ["error-code-label", "detail", "title"].iter().find_map(|name| values::text(&error, name));
    let code = values::text(&error, "error-code");
    reply.refusal(class, code, texts::bounded(&words.unwrap_or_default(), 1_000), vonage.ambient.now())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(answer: &Value) -> Option<Result<Accepted, SendError>> {
        judge(answer, "EUR".parse().expect("a currency"))
    }

    fn part(status: &str) -> Value {
        json!({ "to": "1234567890", "message-id": format!("id-{status}"), "status": status,
            "remaining-balance": "38.07243628", "message-price": "0.04120000", "network": "23420" })
    }

    /// The answers of vonage-python-sdk, `sms/tests/data`.
    #[test]
    fn a_text_of_two_parts_costs_both_and_has_the_first_ones_id() {
        let ids = ["62dfdf68-6c7c-479a-a190-5c52f798a787", "72ff9536-62d6-455a-9f0b-65f3c265b423"];
        let part = |id: &str| {
            json!({ "to": "1234567890", "message-id": id, "status": "0", "remaining-balance": "37.43563628",
                "message-price": "0.04120000", "network": "23420", "client-ref": "ref123" })
        };
        let answer = json!({ "message-count": "2", "messages": [part(ids[0]), part(ids[1])] });
        let accepted = judged(&answer).expect("an answer").expect("taken");
        assert_eq!(accepted.provider_message_id.as_deref(), Some(ids[0]));
        assert_eq!((accepted.segments, accepted.cost.map(|cost| cost.0)), (2, Some(82_400)));
    }

    #[test]
    fn a_text_of_which_a_part_left_is_in_doubt() {
        let answer =
            json!({ "message-count": "2", "messages": [part("0"), { "status": "1", "error-text": "Throttled" }] });
        assert_eq!(judged(&answer), Some(Err(SendError::Ambiguous { cause: "partly_accepted" })));
        let internal = json!({ "messages": [{ "status": "1" }, { "status": "5", "error-text": "Internal Error" }] });
        assert_eq!(judged(&internal), Some(Err(SendError::Ambiguous { cause: "server_error" })));
    }

    #[test]
    fn a_refusal_says_why_and_how_long_to_wait() {
        let barred = json!({ "message-count": "1", "messages": [{ "status": "7", "error-text": "Number barred." }] });
        let expected = SendError::refused(RetryClass::Permanent, Some("7".to_owned()), "Number barred.");
        assert_eq!(judged(&barred), Some(Err(expected)));
        let words = "Throughput Rate Exceeded - please wait [ 250 ] and retry";
        let throttled = json!({ "messages": [{ "status": "1", "error-text": words }] });
        let Some(Err(SendError::Refused { class, retry_after, .. })) = judged(&throttled) else { panic!() };
        assert_eq!((class, retry_after), (RetryClass::RateLimited, Some(Duration::from_millis(250))));
        assert_eq!(pause_in("please wait"), None);
    }

    #[test]
    fn what_is_no_answer_proves_nothing() {
        let none = [
            json!({}),
            json!([]),
            json!({ "messages": [] }),
            json!({ "messages": [{}] }),
            json!({ "messages": [{ "status": "ok" }] }),
            json!({ "messages": [{ "status": "0" }] }),
            json!({ "messages": "0" }),
        ];
        for answer in none {
            assert_eq!(judged(&answer), None, "{answer}");
        }
        // A price that cannot be read is no reason to doubt.
        let unpriced = json!({ "messages": [{ "status": 0, "message-id": "id", "message-price": "free" }] });
        assert!(matches!(judged(&unpriced), Some(Ok(Accepted { cost: None, segments: 1, .. }))));
    }
}
