//! The Messages API: handing a message over, and testing the account.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{TOKEN, Vonage, errors, reference};
use crate::domain::value::message::RetryClass;
use crate::domain::value::sms;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::jwt::RsaKey;
use crate::providers::kit::{numbers, texts, values};
use crate::providers::{Accepted, OutboundMessage, Secret, SendError, TextContent};

const PATH: &str = "/v1/messages";
/// How long a token opens the API: as in Vonage's libraries.
const LIFETIME: Duration = Duration::from_mins(15);
/// How long a token is used: a call that waits on its way, and a clock that is somewhat wrong, still find it good.
const USED: Duration = Duration::from_mins(10);

/// The token of an account, which all its calls use: a signature takes longer than all the rest of a call.
#[derive(Default)]
pub(super) struct Token(Mutex<Option<(i64, Secret)>>);

pub(super) async fn send(
    vonage: &Vonage,
    application_id: &str,
    key: &RsaKey,
    message: &OutboundMessage,
    text: &TextContent,
) -> Result<Accepted, SendError> {
    let request = authorised(vonage, application_id, key)?.json(&body(vonage, message, text)?);
    let reply = call(request).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, vonage));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    let id = values::text(&answer, "message_uuid").ok_or_else(|| reply.unproved())?;
    // Parts and price come with the status webhook.
    Ok(Accepted { provider_message_id: Some(id), segments: sms::segments(&text.body), cost: None })
}

/// There is nothing to be read with an application's key. A message without any content is refused once the key is believed,
/// and sends nothing.
pub(super) async fn check(vonage: &Vonage, application_id: &str, key: &RsaKey) -> Result<(), SendError> {
    let reply = call(authorised(vonage, application_id, key)?.json(&json!({}))).await?;
    match reply.status {
        400 | 422 => Ok(()),
        _ => Err(refusal(&reply, vonage)),
    }
}

fn authorised(vonage: &Vonage, application_id: &str, key: &RsaKey) -> Result<RequestBuilder, SendError> {
    let now = vonage.ambient.now().timestamp();
    let mut kept = vonage.token.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((made, token)) = &*kept
        && (*made..made.saturating_add_unsigned(USED.as_secs())).contains(&now)
    {
        return Ok(vonage.request(Method::POST, PATH)?.bearer_auth(token.expose()));
    }
    let claims = json!({
        "application_id": application_id,
        "iat": now,
        "exp": now.saturating_add_unsigned(LIFETIME.as_secs()),
        "jti": vonage.ambient.uuid().to_string(),
    });
    let token = key.sign(&claims).ok_or_else(|| {
        SendError::refused(RetryClass::Transient, Some("not_signed".to_owned()), "the request could not be signed")
    })?;
    let request = vonage.request(Method::POST, PATH)?.bearer_auth(&token);
    *kept = Some((now, Secret::new(token)));
    Ok(request)
}

fn body(vonage: &Vonage, message: &OutboundMessage, text: &TextContent) -> Result<Value, SendError> {
    let encoding = if text.body.chars().all(sms::is_gsm) { "text" } else { "unicode" };
    let mut body = json!({
        "message_type": "text",
        "channel": "sms",
        "to": numbers::receiver(&message.to)?,
        "from": vonage.sender(message),
        "text": text.body,
        "client_ref": reference(message),
        "sms": { "encoding_type": encoding },
    });
    if let Some(mut url) = vonage.settings.callback_url.clone() {
        if let Some(token) = &message.token {
            url.query_pairs_mut().append_pair(TOKEN, token);
        }
        body["webhook_url"] = url.as_str().into();
        body["webhook_version"] = "v1".into();
    }
    Ok(body)
}

/// The code is what stands behind the `#` of the error's type: a number, or words such as `low-balance`.
fn refusal(reply: &Reply, vonage: &Vonage) -> SendError {
    let error = reply.json().unwrap_or_default();
    let code = values::text(&error, "type").and_then(|kind| code_in(&kind));
    let class = code.as_deref().and_then(errors::message_class);
    let class = if reply.status == 402 { Some(RetryClass::Configuration) } else { class };
    let words: Vec<_> = ["title", "detail"].iter().filter_map(|name| values::text(&error, name)).collect();
    reply.refusal(class, code, texts::bounded(&words.join(": "), 1_000), vonage.ambient.now())
}

/// The last part of an error's type.
pub(super) fn code_in(kind: &str) -> Option<String> {
    texts::short(kind.rsplit_once('#')?.1.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_behind_the_sign() {
        assert_eq!(code_in("https://developer.vonage.com/api-errors/messages#1150").as_deref(), Some("1150"));
        assert_eq!(code_in("https://developer.nexmo.com/api-errors/#low-balance").as_deref(), Some("low-balance"));
        assert_eq!(code_in("https://developer.vonage.com/api-errors"), None);
        assert_eq!(code_in("x#"), None);
    }
}
