//! How MessageBird signs its webhooks: by a token in `MessageBird-Signature-JWT` and, as before, by `MessageBird-Signature`. Both
//! are made with the signing key. The token counts where there is one.
//!
//! Tokens hold for a minute, which clocks can miss; five more are allowed. What is repeated counts once by its id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::providers::kit::jwt;
use crate::providers::{Secret, SignatureError, WebhookRequest};

const TOKEN: &str = "messagebird-signature-jwt";
const SIGNATURE: &str = "messagebird-signature";
const TIMESTAMP: &str = "messagebird-request-timestamp";
/// Who signs.
const ISSUER: &str = "MessageBird";
/// How far apart the clocks may be.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Verifies, first who signed, then when.
pub(super) fn verify(request: &WebhookRequest, keys: &[Secret], now: DateTime<Utc>) -> Result<(), SignatureError> {
    let given = |name| request.header(name).filter(|given| !given.is_empty());
    if let Some(token) = given(TOKEN) {
        return verify_token(token, request, keys, now);
    }
    let (signature, timestamp) = given(SIGNATURE).zip(given(TIMESTAMP)).ok_or(SignatureError::Missing)?;
    let mut keys = keys.iter().filter(|key| !key.is_empty()).peekable();
    keys.peek().ok_or(SignatureError::Missing)?;
    let signature = STANDARD.decode(signature).map_err(|_| SignatureError::Malformed)?;
    let mut is_genuine = false;
    for key in keys {
        is_genuine |= bool::from(mac(key, timestamp, request.query(), &request.body).ct_eq(&signature));
    }
    if !is_genuine {
        return Err(SignatureError::Forged);
    }
    let age = now - seconds(timestamp.parse().ok())?;
    if age.abs() > TOLERANCE { Err(SignatureError::Stale { age }) } else { Ok(()) }
}

fn verify_token(
    token: &str,
    request: &WebhookRequest,
    keys: &[Secret],
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let claims = jwt::verify(token, keys)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_of_body = match text("payload_hash") {
        Some(hash) => !request.body.is_empty() && jwt::is_hash(hash, &request.body),
        None => request.body.is_empty(),
    };
    let is_of_url = text("url_hash").is_some_and(|hash| jwt::is_hash(hash, request.url.as_bytes()));
    if text("iss") != Some(ISSUER) || text("jti").is_none() || !is_of_url || !is_of_body {
        return Err(SignatureError::Forged);
    }
    let from = seconds(claims.get("nbf").and_then(Value::as_i64))?;
    let until = seconds(claims.get("exp").and_then(Value::as_i64))?;
    if now < from - TOLERANCE || now > until + TOLERANCE {
        return Err(SignatureError::Stale { age: now - from });
    }
    Ok(())
}

fn seconds(seconds: Option<i64>) -> Result<DateTime<Utc>, SignatureError> {
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(SignatureError::Malformed)
}

/// The signature of a request, as MessageBird made it before it had tokens.
#[must_use]
pub fn sign(key: &Secret, timestamp: &str, query: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(key, timestamp, query, body))
}

/// The token of a request, as MessageBird makes it. For doubles.
#[must_use]
pub fn sign_request(key: &Secret, url: &str, body: &[u8], now: DateTime<Utc>) -> String {
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut claims = serde_json::json!({
        "iss": ISSUER,
        "nbf": now.timestamp(),
        "exp": now.timestamp() + 60,
        "jti": hash(format!("{now}{url}").as_bytes()),
        "url_hash": hash(url.as_bytes()),
    });
    if !body.is_empty() {
        claims["payload_hash"] = hash(body).into();
    }
    jwt::sign(key, &claims)
}

/// HMAC-SHA-256 over the time, the query sorted by its names, and the digest of the body.
fn mac(key: &Secret, timestamp: &str, query: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).expect("HMAC takes a key of any length");
    for part in [timestamp.as_bytes(), b"\n", sorted(query).as_bytes(), b"\n", &Sha256::digest(body)] {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// A query taken apart and put together the way of Go's `url.Values`: sorted by name, and encoded anew.
fn sorted(query: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort_by(|one, two| one.0.cmp(&two.0));
    let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    // The two differ in these.
    written.replace('*', "%2A").replace("%7E", "~")
}

#[cfg(test)]
mod tests;
