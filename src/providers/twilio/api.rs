//! What all calls to Twilio's API have in common: who we are, where it is, how it calls back, and what its refusals say.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use url::Url;

use super::{Twilio, TwilioAuth, errors};
use crate::domain::value::Currency;
use crate::domain::value::message::RetryClass;
use crate::domain::value::money::parse_micros;
use crate::providers::SendError;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::texts;

/// The parameter of the callback's URL that carries our token.
pub(super) const TOKEN: &str = "token";
/// How Twilio is to call back: up to five times, whatever goes wrong. A fragment is not part of what is signed.
const PERSISTENCE: &str = "rc=5&rp=all";

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
    let (user, password) = twilio.settings.auth.pair(&twilio.settings.account_sid);
    twilio.client.request(method, url).basic_auth(user, Some(password.expose()))
}

/// Where Twilio is to call back about a message or call, with our token; [`None`] where it cannot reach us.
pub(super) fn callback_url(url: Option<&Url>, token: Option<&str>) -> Option<String> {
    let mut url = url?.clone();
    if let Some(token) = token {
        url.query_pairs_mut().append_pair(TOKEN, token);
    }
    url.set_fragment(Some(PERSISTENCE));
    Some(url.into())
}

/// What a message or call cost. Twilio writes prices as negative text, and later than the answer to the call that made it.
pub(super) fn cost(resource: &Value) -> Option<(i64, Currency)> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    let price = text("price").and_then(|price| parse_micros(price).ok());
    let currency = text("price_unit").and_then(|unit| unit.to_ascii_uppercase().parse::<Currency>().ok());
    price.map(i64::saturating_neg).zip(currency)
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
    use super::*;

    #[test]
    fn a_token_travels_in_the_callbacks_query_and_keeps_what_stands_there() {
        let url = Url::parse("https://crm.example.com/hooks?tenant=1").expect("a URL");
        let with_token = callback_url(Some(&url), Some("a-b_c"));
        assert_eq!(with_token.as_deref(), Some("https://crm.example.com/hooks?tenant=1&token=a-b_c#rc=5&rp=all"));
        assert_eq!(callback_url(None, Some("x")), None);
    }
}
