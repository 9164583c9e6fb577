//! How Vonage signs its webhooks: the SMS API by a parameter `sig`, the Messages API by a token in `Authorization`.
//!
//! A request is believed for 25 hours: Vonage repeats it for 24, and whether with a new signature is not documented. What is
//! repeated counts once by its id.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::times;
use crate::providers::kit::jwt;
use crate::providers::kit::parameters::Parameters;
use crate::providers::{Secret, SignatureError, WebhookRequest};

/// The parameter that carries the signature.
const SIG: &str = "sig";
/// How long ago a request may have been signed.
const FRESHNESS: TimeDelta = TimeDelta::hours(25);
/// How far ahead of ours Vonage's clock may be.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// How the SMS API signs, by the names of the account's API settings. Its libraries disagree on what `md5` alone means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureMethod {
    /// MD5 of the parameters and the secret behind them.
    Md5Hash,
    /// HMAC-MD5.
    Md5Hmac,
    /// HMAC-SHA-1.
    Sha1Hmac,
    /// HMAC-SHA-256.
    Sha256Hmac,
    /// HMAC-SHA-512.
    Sha512Hmac,
}

impl SignatureMethod {
    /// Reads the name of a setting.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "md5-hash" => Self::Md5Hash,
            "md5-hmac" => Self::Md5Hmac,
            "sha1-hmac" => Self::Sha1Hmac,
            "sha256-hmac" => Self::Sha256Hmac,
            "sha512-hmac" => Self::Sha512Hmac,
            _ => return None,
        })
    }
}

/// Verifies a webhook of the SMS API, first who signed, then when.
pub(super) fn verify_parameters(
    request: &WebhookRequest,
    secrets: &[Secret],
    method: SignatureMethod,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let parameters = Parameters::of(request);
    let given = parameters.get(SIG).filter(|given| !given.is_empty()).ok_or(SignatureError::Missing)?;
    let given = given.to_ascii_lowercase();
    let mut is_genuine = false;
    let mut secrets = secrets.iter().filter(|secret| !secret.is_empty()).peekable();
    secrets.peek().ok_or(SignatureError::Missing)?;
    for secret in secrets {
        is_genuine |= bool::from(sign(secret, method, parameters.all()).as_bytes().ct_eq(given.as_bytes()));
    }
    if !is_genuine {
        return Err(SignatureError::Forged);
    }
    let signed_at = parameters.get("timestamp").and_then(times::seconds).ok_or(SignatureError::Malformed)?;
    is_fresh(signed_at, now)
}

/// The signature of parameters, in small hexadecimal digits. `sig` and blank parameters are not part of it.
#[must_use]
pub fn sign(secret: &Secret, method: SignatureMethod, parameters: &[(String, String)]) -> String {
    let mut signed: Vec<_> = parameters
        .iter()
        .filter(|(name, value)| !name.eq_ignore_ascii_case(SIG) && !value.trim().is_empty())
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    signed.sort_by_key(|(name, _)| *name);
    let plain = |text: &str| text.replace(['&', '='], "_");
    let text = signed.iter().fold(String::new(), |text, (name, value)| text + "&" + &plain(name) + "=" + &plain(value));
    match method {
        SignatureMethod::Md5Hash => hex::encode(Md5::digest(text + secret.expose())),
        SignatureMethod::Md5Hmac => keyed::<Hmac<Md5>>(secret, &text),
        SignatureMethod::Sha1Hmac => keyed::<Hmac<Sha1>>(secret, &text),
        SignatureMethod::Sha256Hmac => keyed::<Hmac<Sha256>>(secret, &text),
        SignatureMethod::Sha512Hmac => keyed::<Hmac<Sha512>>(secret, &text),
    }
}

fn keyed<M: Mac + KeyInit>(secret: &Secret, text: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Verifies a webhook of the Messages API: the token proves the body by its hash. It does not prove the URL, in which our own
/// token stands; that one proves itself. `api_key` and `payload_hash` are documented
/// claims; the others are judged only if they are there.
pub(super) fn verify_token(
    request: &WebhookRequest,
    secrets: &[Secret],
    api_key: &str,
    application_id: &str,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let header = request.header("authorization").filter(|given| !given.is_empty()).ok_or(SignatureError::Missing)?;
    let (scheme, token) = header.split_once(' ').ok_or(SignatureError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(SignatureError::Malformed);
    }
    let claims = jwt::verify(token.trim(), secrets)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is_ours = text("api_key").is_none_or(|key| key == api_key)
        && text("application_id").is_none_or(|id| id.eq_ignore_ascii_case(application_id));
    if !is_ours || !text("payload_hash").is_some_and(|hash| jwt::is_hash(hash, &request.body)) {
        return Err(SignatureError::Forged);
    }
    match claims.get("iat") {
        None => Ok(()),
        Some(seconds) => {
            let signed_at = seconds.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            is_fresh(signed_at.ok_or(SignatureError::Malformed)?, now)
        }
    }
}

/// A webhook of the SMS API without its signature, however its parameters travel.
pub(super) fn without_proof(request: &WebhookRequest) -> WebhookRequest {
    let bare = request.bare();
    if bare.method.eq_ignore_ascii_case("GET") || bare.body.is_empty() {
        let base = bare.url.split(['?', '#']).next().unwrap_or_default();
        let url = format!("{base}?{}", unsigned(bare.query()));
        return WebhookRequest { url, ..bare };
    }
    let body = match serde_json::from_slice::<Map<String, Value>>(&bare.body) {
        Ok(mut fields) => {
            fields.retain(|name, _| !name.eq_ignore_ascii_case(SIG));
            Value::Object(fields).to_string()
        }
        Err(_) => unsigned(&String::from_utf8_lossy(&bare.body)),
    };
    WebhookRequest { body: body.into(), ..bare }
}

/// The pairs of a form but the signature, each as it was written.
fn unsigned(form: &str) -> String {
    let is_other =
        |pair: &&str| form_urlencoded::parse(pair.as_bytes()).all(|(name, _)| !name.eq_ignore_ascii_case(SIG));
    form.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

fn is_fresh(signed_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), SignatureError> {
    let age = now - signed_at;
    if age > FRESHNESS || age < -AHEAD { Err(SignatureError::Stale { age }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
