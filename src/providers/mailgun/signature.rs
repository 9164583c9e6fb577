//! Mailgun's signatures: HMAC-SHA-256 over a time stamp and a random token, in hexadecimal.
//!
//! The body is not covered: a signature proves that Mailgun made a request at that time, and not what it said. Whoever gets
//! hold of one (from a log or a proxy that ends TLS) can put it under a body of their own while it is fresh. Three things
//! narrow that. The window is as short as Mailgun's repetitions allow: they go on for eight hours, and nothing says that
//! they are signed anew, so that the five minutes that are often advised lose what came while a server was down. A token
//! proves one body only, the first that came with it ([`super::webhook`]); each process remembers for itself. And what a
//! report says is heard only of a message that our own token or an id names. So: HTTPS, and no logs of bodies.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use super::form::Form;
use crate::providers::{Secret, SignatureError, WebhookRequest};

/// How far ahead of ours Mailgun's clock may be.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What a request carries to prove its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) timestamp: String,
    /// Random, and never the same in two events.
    pub(super) token: String,
    pub(super) signature: String,
}

/// The part of an event's request that proves it.
#[derive(Deserialize)]
struct Signed {
    signature: Value,
}

/// The proofs of a request, any of which may be Mailgun's.
pub(super) fn proofs(request: &WebhookRequest) -> Vec<Proof> {
    if let Some(form) = Form::read(request, false) {
        // A mail's own headers may be called like these fields, and nothing says what comes first.
        let first = proof(form.get("timestamp"), form.get("token"), form.get("signature"));
        let last = proof(form.last("timestamp"), form.last("token"), form.last("signature"));
        let last = last.filter(|last| first.as_ref() != Some(last));
        return first.into_iter().chain(last).collect();
    }
    let Ok(Signed { signature }) = serde_json::from_slice(&request.body) else { return vec![] };
    let timestamp = match &signature["timestamp"] {
        Value::Number(seconds) => Some(seconds.to_string()),
        seconds => seconds.as_str().map(str::to_owned),
    };
    // What a subaccount reports is signed by its own key and by that of the account above it.
    let signatures = ["signature", "parent-signature"].map(|name| signature[name].as_str());
    let of = |given| proof(timestamp.as_deref(), signature["token"].as_str(), given);
    signatures.into_iter().filter_map(of).collect()
}

fn proof(timestamp: Option<&str>, token: Option<&str>, signature: Option<&str>) -> Option<Proof> {
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Proof { timestamp: given(timestamp)?, token: given(token)?, signature: given(signature)? })
}

/// Verifies, first who signed, then when. Returns the token, which must not come with another body.
pub(super) fn verify(
    request: &WebhookRequest,
    keys: &[Secret],
    freshness: TimeDelta,
    now: DateTime<Utc>,
) -> Result<String, SignatureError> {
    let proofs = proofs(request);
    if keys.is_empty() || proofs.is_empty() {
        return Err(SignatureError::Missing);
    }
    let mut refusal = SignatureError::Malformed;
    for proof in proofs {
        let Ok(signature) = hex::decode(&proof.signature) else { continue };
        let Some(signed_at) = proof.timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        else {
            continue;
        };
        // Each key is tried, whether or not another one has matched.
        let matching = keys.iter().filter(|key| {
            let mac = mac(key, &proof.timestamp, &proof.token);
            mac.verify_slice(&signature).is_ok()
        });
        if matching.count() == 0 {
            refusal = SignatureError::Forged;
            continue;
        }
        let age = now - signed_at;
        return if age > freshness || age < -AHEAD { Err(SignatureError::Stale { age }) } else { Ok(proof.token) };
    }
    Err(refusal)
}

/// The signature of a time stamp and a token, as Mailgun makes it.
#[must_use]
pub fn sign(key: &Secret, timestamp: &str, token: &str) -> String {
    hex::encode(mac(key, timestamp, token).finalize().into_bytes())
}

fn mac(key: &Secret, timestamp: &str, token: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(timestamp.as_bytes());
    mac.update(token.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    const KEY: &str = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0";
    const TOKEN: &str = "5egbgr1vjgqxtrnp65xfznchgdccwh5d6i09vijqi3whgowmn6";
    const SIGNED: &str = "9cfc5c41582e51246e73c88d34db3af0a3a2692a76fbab81492842f000256d33";
    const AT: i64 = 1_403_645_220;

    fn json(signature: &Value) -> WebhookRequest {
        let body = Bytes::from(json!({ "signature": signature, "event-data": {} }).to_string());
        let headers = vec![("Content-Type".to_owned(), Bytes::from_static(b"application/json"))];
        WebhookRequest { method: "POST".to_owned(), headers, body, ..WebhookRequest::default() }
    }

    fn form(fields: &[(&str, &str)]) -> WebhookRequest {
        let body = form_urlencoded(fields);
        let headers = vec![("content-type".to_owned(), Bytes::from_static(b"application/x-www-form-urlencoded"))];
        WebhookRequest { method: "POST".to_owned(), headers, body, ..WebhookRequest::default() }
    }

    fn form_urlencoded(fields: &[(&str, &str)]) -> Bytes {
        Bytes::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
    }

    fn check(request: &WebhookRequest, keys: &[&str], now: i64) -> Result<String, SignatureError> {
        let keys: Vec<_> = keys.iter().map(Secret::new).collect();
        verify(request, &keys, TimeDelta::hours(9), DateTime::from_timestamp(now, 0).expect("a time"))
    }

    /// The vectors of mailgun-php (`tests/Api/WebhookTest.php`) and of symfony (the Mailgun bridge's `delivered_messages.json`).
    #[test]
    fn what_mailgun_signed_is_genuine_in_json_and_in_a_form() {
        let signed = json(&json!({ "timestamp": AT.to_string(), "token": TOKEN, "signature": SIGNED }));
        assert_eq!(check(&signed, &[KEY], AT).as_deref(), Ok(TOKEN));
        assert_eq!(check(&signed, &["another", KEY], AT).as_deref(), Ok(TOKEN));
        let number = json(&json!({ "timestamp": AT, "token": TOKEN, "signature": SIGNED }));
        assert_eq!(check(&number, &[KEY], AT).as_deref(), Ok(TOKEN));
        let route =
            form(&[("from", "a@b.example"), ("timestamp", "1403645220"), ("token", TOKEN), ("signature", SIGNED)]);
        assert_eq!(check(&route, &[KEY], AT).as_deref(), Ok(TOKEN));
        let token = "d1931d9645b65e60f6fddf94448e982ff8db9256144a7fcb15";
        let signature = "1aed11dcc25700d6b75f9a6d568343ea02ecdd3fc89cc3209e2883a19e5cdd50";
        let other = json(&json!({ "timestamp": "1661621787", "token": token, "signature": signature }));
        assert_eq!(check(&other, &["key-0p6mqbf74lb20gzq9f4dhpn9rg3zyk26"], 1_661_621_787).as_deref(), Ok(token));
        assert_eq!(sign(&Secret::new(KEY), "1403645220", TOKEN), SIGNED);
    }

    #[test]
    fn headers_of_the_mail_that_are_called_like_the_proof_do_not_hide_it() {
        let own = [("timestamp", "1403645220"), ("token", TOKEN), ("signature", SIGNED)];
        let foreign = [("timestamp", "1"), ("token", "x"), ("signature", "y")];
        for fields in [[own, foreign].concat(), [foreign, own].concat()] {
            assert_eq!(check(&form(&fields), &[KEY], AT).as_deref(), Ok(TOKEN));
        }
    }

    #[test]
    fn a_subaccounts_report_is_proved_by_the_account_above_it() {
        let above = json!({
            "timestamp": "1403645220", "token": TOKEN, "signature": "00".repeat(32), "parent-signature": SIGNED
        });
        assert_eq!(check(&json(&above), &[KEY], AT).as_deref(), Ok(TOKEN));
    }

    #[test]
    fn whatever_else_is_refused_and_said_why() {
        use SignatureError::{Forged, Malformed, Missing};
        let wrong_token = "owyldpe6nxhmrn78epljl6bj0orrki1u3d2v5e6cnlmmuox8jr";
        let cases = [
            (json!({ "timestamp": "1403645220", "token": wrong_token, "signature": SIGNED }), Forged),
            (json!({ "timestamp": "1403645221", "token": TOKEN, "signature": SIGNED }), Forged),
            (json!({ "timestamp": "1403645220", "token": TOKEN, "signature": &SIGNED[..62] }), Forged),
            (json!({ "timestamp": "1403645220", "token": TOKEN, "signature": "" }), Missing),
            (json!({ "timestamp": "1403645220", "token": TOKEN, "signature": "not hex" }), Malformed),
            (json!({ "timestamp": "now", "token": TOKEN, "signature": SIGNED }), Malformed),
            (json!({ "timestamp": "1403645220", "signature": SIGNED }), Missing),
            (json!([]), Missing),
        ];
        for (signature, expected) in cases {
            assert_eq!(check(&json(&signature), &[KEY], AT), Err(expected), "{signature}");
        }
        let genuine = json(&json!({ "timestamp": "1403645220", "token": TOKEN, "signature": SIGNED }));
        assert_eq!(check(&genuine, &["another"], AT), Err(Forged));
        assert_eq!(check(&genuine, &[], AT), Err(Missing));
        assert_eq!(check(&WebhookRequest::default(), &[KEY], AT), Err(Missing));
        assert_eq!(check(&form(&[("from", "a@b.example")]), &[KEY], AT), Err(Missing));
    }

    #[test]
    fn a_genuine_request_is_stale_after_eight_hours_of_repetitions_and_when_it_comes_from_the_future() {
        let genuine = json(&json!({ "timestamp": "1403645220", "token": TOKEN, "signature": SIGNED }));
        let at = |seconds: i64| check(&genuine, &[KEY], AT + seconds);
        assert!(at(8 * 3_600).is_ok() && at(-60).is_ok());
        assert_eq!(at(10 * 3_600), Err(SignatureError::Stale { age: TimeDelta::hours(10) }));
        assert_eq!(at(-600), Err(SignatureError::Stale { age: TimeDelta::minutes(-10) }));
    }
}
