//! Access tokens: asked for once, used until shortly before they end, by all calls of an account.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use tokio::sync::Mutex;

use super::Fcm;
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::texts;
use crate::providers::{Secret, SendError};

/// The grant of RFC 7523.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long before its end a token is replaced.
const BEFORE_END: TimeDelta = TimeDelta::minutes(5);
/// How long a token is used that does not say how long it lasts.
const UNSTATED: TimeDelta = TimeDelta::minutes(10);
/// How long a failure counts for the calls that wait behind it: each would only fail in the same way, one after the other.
const FAILURE_COUNTS: TimeDelta = TimeDelta::seconds(5);

/// The token of an account. Whoever finds none asks for one, while the others wait for it.
#[derive(Default)]
pub(super) struct Tokens(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    None,
    Good {
        token: Secret,
        until: DateTime<Utc>,
    },
    Failed {
        error: SendError,
        until: DateTime<Utc>,
    },
}

/// A token that may be used now.
pub(super) async fn token(fcm: &Fcm) -> Result<Secret, SendError> {
    let mut state = fcm.tokens.0.lock().await;
    let now = fcm.ambient.now();
    match &*state {
        State::Good { token, until } if now < *until => return Ok(token.clone()),
        State::Failed { error, until } if now < *until => return Err(error.clone()),
        State::None | State::Good { .. } | State::Failed { .. } => {}
    }
    match fetch(fcm, now).await {
        Ok((token, until)) => {
            *state = State::Good { token: token.clone(), until };
            Ok(token)
        }
        Err(error) => {
            *state = State::Failed { error: error.clone(), until: fcm.ambient.now() + FAILURE_COUNTS };
            Err(error)
        }
    }
}

/// Another token than one that was refused, which other calls may have asked for already.
pub(super) async fn token_instead_of(fcm: &Fcm, refused: &Secret) -> Result<Secret, SendError> {
    {
        let mut state = fcm.tokens.0.lock().await;
        if matches!(&*state, State::Good { token, .. } if token.is(refused.expose().as_bytes())) {
            *state = State::None;
        }
    }
    token(fcm).await
}

/// Exchanges an assertion for a token. No message has left yet: whatever goes wrong, it was definitely not sent.
async fn fetch(fcm: &Fcm, now: DateTime<Utc>) -> Result<(Secret, DateTime<Utc>), SendError> {
    let key = &fcm.settings.key;
    let assertion = key.assertion(now).ok_or_else(|| {
        let detail = "the service account's key cannot sign";
        SendError::refused(RetryClass::Configuration, Some("key".to_owned()), detail)
    })?;
    let form = [("grant_type", GRANT), ("assertion", assertion.as_str())];
    let request = fcm.client.request(Method::POST, key.token_uri.clone()).form(&form);
    let reply = call(request).await.map_err(not_had)?;
    let answer = reply.json();
    let text = |name: &str| answer.as_ref()?.get(name)?.as_str().map(str::to_owned);
    if reply.status != 200 {
        return Err(refused(&reply, text("error"), text("error_description"), now));
    }
    let token = text("access_token").map(Secret::new).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| not_had(reply.unproved()))?;
    // Google writes a number; others have written it as text.
    let seconds = answer
        .as_ref()
        .and_then(|answer| answer.get("expires_in"))
        .and_then(|seconds| seconds.as_i64().or_else(|| seconds.as_str().and_then(|text| text.parse().ok())));
    let lasts = seconds.map_or(UNSTATED, |seconds| TimeDelta::seconds(seconds.clamp(0, 24 * 3600)));
    // One that ends sooner than that is used once, and asked for again.
    Ok((token, now + (lasts - BEFORE_END).max(TimeDelta::zero())))
}

/// What is in doubt of the token is not in doubt of the message.
fn not_had(error: SendError) -> SendError {
    match error {
        SendError::Ambiguous { cause } => {
            let detail = format!("no access token was had: {cause}");
            SendError::refused(RetryClass::Transient, Some("access_token".to_owned()), detail)
        }
        refused => refused,
    }
}

/// `invalid_grant` is a key that was revoked, or a clock that is wrong; `unauthorized_client` and `invalid_client` an account that
/// is gone.
fn refused(reply: &Reply, error: Option<String>, description: Option<String>, now: DateTime<Utc>) -> SendError {
    let code =
        error.as_deref().map(|code| texts::bounded(code, 100)).unwrap_or_else(|| format!("http_{}", reply.status));
    let detail = texts::bounded(description.as_deref().unwrap_or_default(), 1_000);
    let class = error.is_some().then_some(RetryClass::Configuration);
    not_had(reply.refusal(class, Some(code), detail, now))
}
