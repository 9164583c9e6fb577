//! Handing a message to Twilio.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use url::Url;

use super::{Twilio, TwilioAuth, TwilioSender, errors};
use crate::domain::value::message::RetryClass;
use crate::domain::value::money::parse_micros;
use crate::domain::value::{Currency, sms};
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Content, OutboundMessage, SendError, TextContent};

/// The parameter of the callback's URL that carries our token.
pub(super) const TOKEN: &str = "token";
/// How Twilio is to call back: up to five times, whatever goes wrong. A fragment is not part of what is signed.
const PERSISTENCE: &str = "rc=5&rp=all";

pub(super) async fn send(twilio: &Twilio, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Text(text) = &message.content else { return Err(SendError::channel_not_served()) };
    let request = request(twilio, Method::POST, "Messages.json")?.form(&form(twilio, message, text));
    let reply = call(request).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, twilio));
    }
    let created = reply.json().filter(is_message).ok_or_else(|| reply.unproved())?;
    // It exists, and failed at once: it never left Twilio, and no callback follows about the state that is reported here.
    if created.get("status").and_then(Value::as_str) == Some("failed") {
        let code = created.get("error_code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
        let words = created.get("error_message").and_then(Value::as_str).unwrap_or_default();
        let class = errors::class(code.unwrap_or_default());
        return Err(SendError::refused(class, code.map(|code| code.to_string()), texts::bounded(words, 1_000)));
    }
    Ok(accepted(&created, &text.body))
}

/// The account itself reports its status; an API key may not ask for that, but may list messages.
pub(super) async fn check(twilio: &Twilio) -> Result<(), SendError> {
    let request = match &twilio.settings.auth {
        TwilioAuth::Token(_) => request(twilio, Method::GET, "")?,
        TwilioAuth::Key { .. } => request(twilio, Method::GET, "Messages.json")?.query(&[("PageSize", "1")]),
    };
    let reply = call(request).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, twilio));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    match answer.get("status").and_then(Value::as_str) {
        Some("active") => Ok(()),
        None if answer.get("messages").is_some_and(Value::is_array) => Ok(()),
        Some(status) => {
            let detail = format!("the account is {}", texts::bounded(status, 40));
            Err(SendError::refused(RetryClass::Configuration, None, detail))
        }
        None => Err(reply.unproved()),
    }
}

/// A request to what belongs to the account.
pub(super) fn request(twilio: &Twilio, method: Method, resource: &str) -> Result<RequestBuilder, SendError> {
    let sid = &twilio.settings.account_sid;
    let path = match resource {
        "" => format!("/2010-04-01/Accounts/{sid}.json"),
        resource => format!("/2010-04-01/Accounts/{sid}/{resource}"),
    };
    Ok(authorised(twilio, method, at(twilio, &path)?).header("accept", "application/json"))
}

/// The URL of a path on the API's own host; a path that leads elsewhere gets none of our credentials.
pub(super) fn at(twilio: &Twilio, path: &str) -> Result<Url, SendError> {
    let base = &twilio.settings.base_url;
    let url = base.join(path).ok().filter(|url| url.origin() == base.origin());
    url.ok_or_else(|| SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API"))
}

pub(super) fn authorised(twilio: &Twilio, method: Method, url: Url) -> RequestBuilder {
    let (user, password) = match &twilio.settings.auth {
        TwilioAuth::Token(token) => (&twilio.settings.account_sid, token),
        TwilioAuth::Key { sid, secret } => (sid, secret),
    };
    twilio.client.request(method, url).basic_auth(user, Some(password.expose()))
}

fn form(twilio: &Twilio, message: &OutboundMessage, text: &TextContent) -> Vec<(&'static str, String)> {
    let mut form = vec![("To", message.to.clone())];
    match (&message.from, &twilio.settings.sender) {
        (Some(from), _) | (None, TwilioSender::From(from)) => form.push(("From", from.clone())),
        (None, TwilioSender::Service(service)) => form.push(("MessagingServiceSid", service.clone())),
    }
    if !text.body.is_empty() || text.media_urls.is_empty() {
        form.push(("Body", text.body.clone()));
    }
    form.extend(text.media_urls.iter().map(|url| ("MediaUrl", url.clone())));
    if let Some(url) = callback_url(twilio.settings.callback_url.as_ref(), message.token.as_deref()) {
        form.push(("StatusCallback", url));
    }
    form
}

fn callback_url(url: Option<&Url>, token: Option<&str>) -> Option<String> {
    let mut url = url?.clone();
    if let Some(token) = token {
        url.query_pairs_mut().append_pair(TOKEN, token);
    }
    url.set_fragment(Some(PERSISTENCE));
    Some(url.into())
}

/// Whether an answer is a message, rather than some other document with status 200.
pub(super) fn is_message(value: &Value) -> bool {
    let sid = value.get("sid").and_then(Value::as_str).unwrap_or_default();
    (sid.starts_with("SM") || sid.starts_with("MM")) && sid.len() == 34
}

/// A message resource as the answer to the call that created it. Twilio writes numbers as text, a segment count of zero
/// until a messaging service has picked a sender, and a price that is negative, and later.
pub(super) fn accepted(message: &Value, body: &str) -> Accepted {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let segments = text("num_segments").and_then(|count| count.parse().ok()).filter(|&count: &u32| count > 0);
    let price = text("price").and_then(|price| parse_micros(price).ok());
    let currency = text("price_unit").and_then(|unit| unit.to_ascii_uppercase().parse::<Currency>().ok());
    Accepted {
        provider_message_id: text("sid").and_then(texts::short),
        segments: segments.unwrap_or_else(|| sms::segments(body)),
        cost: price.map(i64::saturating_neg).zip(currency),
    }
}

pub(super) fn refusal(reply: &Reply, twilio: &Twilio) -> SendError {
    let error = reply.json().unwrap_or_default();
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
    let words = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let now = twilio.ambient.now();
    reply.refusal(code.map(errors::class), code.map(|code| code.to_string()), texts::bounded(words, 1_000), now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_travels_in_the_callbacks_query_and_keeps_what_stands_there() {
        let url = Url::parse("https://crm.example.com/hooks?tenant=1").expect("a URL");
        let with_token = callback_url(Some(&url), Some("a-b_c"));
        assert_eq!(with_token.as_deref(), Some("https://crm.example.com/hooks?tenant=1&token=a-b_c#rc=5&rp=all"));
        assert_eq!(callback_url(None, Some("x")), None);
    }

    #[test]
    fn prices_turn_their_sign_and_keep_every_micro() {
        let sid = format!("SM{}", "d".repeat(32));
        let message = json!({ "sid": sid, "num_segments": "2", "price": "-0.00750", "price_unit": "USD" });
        let accepted = accepted(&message, "");
        assert_eq!(accepted.cost, Some((7_500, "USD".parse().expect("a currency"))));
        assert_eq!(accepted.segments, 2);
    }

    #[test]
    fn segments_are_counted_here_until_twilio_reports_them() {
        let message = json!({ "sid": "SM", "num_segments": "0", "price": null, "price_unit": "USD" });
        let accepted = accepted(&message, &"a".repeat(161));
        assert_eq!((accepted.segments, accepted.cost), (2, None));
    }
}
