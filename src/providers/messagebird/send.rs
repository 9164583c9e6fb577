//! Handing a message to MessageBird, and testing the account.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Messagebird, TOKEN, errors};
use crate::domain::value::message::RetryClass;
use crate::domain::value::sms;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::{numbers, texts, values};
use crate::providers::{Accepted, Content, OutboundMessage, SendError, TextContent};

pub(super) async fn send(account: &Messagebird, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Text(text) = &message.content else { return Err(SendError::channel_not_served()) };
    let path = match (text.media_urls.is_empty(), account.settings.can_send_media) {
        (true, _) => "/messages",
        (false, true) => "/mms",
        (false, false) => return Err(SendError::files_not_carried()),
    };
    let reply = call(account.request(Method::POST, path)?.json(&body(account, message, text)?)).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, account));
    }
    let created = reply.json().ok_or_else(|| reply.unproved())?;
    let accepted = accepted(&created, &text.body).ok_or_else(|| reply.unproved())?;
    // It exists, and failed at once.
    let item = item(&created).unwrap_or(&Value::Null);
    if values::text(item, "status").is_some_and(|status| status == "delivery_failed") {
        let code = values::text(item, "statusErrorCode");
        let class =
            code.as_deref().and_then(|code| code.parse().ok()).map_or(RetryClass::Transient, errors::report_class);
        let words = values::text(item, "statusReason").unwrap_or_default();
        return Err(SendError::refused(class, code, texts::bounded(&words, 1_000)));
    }
    Ok(accepted)
}

/// The balance is what the key opens without sending anything. An account that pays in advance and has nothing left is
/// refused each message.
pub(super) async fn check(account: &Messagebird) -> Result<(), SendError> {
    let reply = call(account.request(Method::GET, "/balance")?).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, account));
    }
    let balance = reply.json().ok_or_else(|| reply.unproved())?;
    let amount = balance.get("amount").and_then(Value::as_f64).ok_or_else(|| reply.unproved())?;
    if values::text(&balance, "payment").is_some_and(|payment| payment == "prepaid") && amount <= 0.0 {
        let detail = "the account has no balance left";
        return Err(SendError::refused(RetryClass::Configuration, Some("25".to_owned()), detail));
    }
    Ok(())
}

fn body(account: &Messagebird, message: &OutboundMessage, text: &TextContent) -> Result<Value, SendError> {
    let from = message.from.as_deref().unwrap_or(&account.settings.from);
    let mut body = json!({
        "recipients": [numbers::receiver(&message.to)?],
        "originator": numbers::digits(from),
        "body": text.body,
        // Without a reference there are no reports.
        "reference": message.key.message_id.to_string(),
    });
    if text.media_urls.is_empty() {
        // `plain` puts something else where a letter is not in GSM-7.
        let coding = if text.body.chars().all(sms::is_gsm) { "plain" } else { "unicode" };
        body["datacoding"] = coding.into();
        if let Some(mut url) = account.settings.callback_url.clone() {
            if let Some(token) = &message.token {
                url.query_pairs_mut().append_pair(TOKEN, token);
            }
            body["reportUrl"] = url.as_str().into();
        }
    } else {
        // An MMS takes no URL for reports: they go where the account's settings say, with the reference.
        body["mediaUrls"] = text.media_urls.clone().into();
    }
    Ok(body)
}

/// The message's only receiver.
pub(super) fn item(message: &Value) -> Option<&Value> {
    message.get("recipients")?.get("items")?.get(0)
}

/// A message resource as the answer to the call that created it; [`None`] if it is none. A price comes later, if at all.
pub(super) fn accepted(message: &Value, body: &str) -> Option<Accepted> {
    let id = values::text(message, "id")?;
    let item = item(message)?;
    let segments = item.get("messagePartCount").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    let price = item.get("price").unwrap_or(&Value::Null);
    Some(Accepted {
        provider_message_id: Some(id),
        segments: segments.filter(|&count| count > 0).unwrap_or_else(|| sms::segments(body)),
        cost: values::price(values::text(price, "amount").as_deref(), values::text(price, "currency").as_deref()),
    })
}

pub(super) fn refusal(reply: &Reply, account: &Messagebird) -> SendError {
    let answer = reply.json().unwrap_or_default();
    let error = answer.get("errors").and_then(|errors| errors.get(0)).unwrap_or(&Value::Null);
    let code = error.get("code").and_then(Value::as_u64);
    let parameter = values::text(error, "parameter");
    let words = values::text(error, "description").unwrap_or_default();
    let class = code.and_then(|code| errors::call_class(code, parameter.as_deref(), &words));
    let class = class.or_else(|| (reply.status == 402).then_some(RetryClass::Configuration));
    let now = account.ambient.now();
    reply.refusal(class, code.map(|code| code.to_string()), texts::bounded(&words, 1_000), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of go-rest-api, `sms/testdata`.
    fn created(item: &Value) -> Value {
        json!({
            "id": "6fe65f90454aa61536e6a88b88972670",
            "direction": "mt",
            "body": "Hello World",
            "reference": null,
            "recipients": { "totalCount": 1, "totalSentCount": 1, "items": [item] },
        })
    }

    #[test]
    fn parts_and_price_are_read_where_they_are_known() {
        let item = json!({ "recipient": 31_612_345_678_u64, "status": "sent", "messagePartCount": 2,
            "price": { "amount": 0.075, "currency": "UAH" } });
        let read = accepted(&created(&item), "").expect("a message");
        assert_eq!(read.provider_message_id.as_deref(), Some("6fe65f90454aa61536e6a88b88972670"));
        assert_eq!((read.segments, read.cost), (2, Some((75_000, "UAH".parse().expect("a currency")))));
        let item =
            json!({ "recipient": 31_612_345_678_u64, "status": "sent", "price": { "amount": null, "currency": null } });
        let read = accepted(&created(&item), &"a".repeat(161)).expect("a message");
        assert_eq!((read.segments, read.cost), (2, None));
    }

    #[test]
    fn a_document_that_is_no_message_proves_nothing() {
        for none in [json!({}), json!({ "id": "x" }), json!({ "id": "x", "recipients": { "items": [] } }), json!([])] {
            assert_eq!(accepted(&none, ""), None, "{none}");
        }
    }
}
