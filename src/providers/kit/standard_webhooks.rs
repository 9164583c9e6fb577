//! Standard Webhooks, the scheme that Svix made and Resend and Bird use: HMAC-SHA-256 over `id.timestamp.body`.
//!
//! Wire format: the specification and the tests of `standard-webhooks/standard-webhooks`. Each attempt is signed anew, with
//! the time of the attempt, so a short tolerance refuses no repetition. The id is the same in all of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::providers::{Secret, SignatureError, WebhookRequest};

/// What stands before a secret.
const PREFIX: &str = "whsec_";
/// The version of signatures that are made with a secret; `v1a` are made with a key pair.
const VERSION: &str = "v1";
/// How many signatures of a request are looked at: one for each secret that is in use there.
const MAX_SIGNATURES: usize = 20;
/// The shortest key that the specification allows, in bytes.
const SHORTEST_KEY: usize = 24;
/// How far apart the clocks may be, as the specification's libraries have it.
pub(in crate::providers) const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The names of the three headers, by those before the dash: `webhook-id` as specified, or `svix-id`.
const FAMILIES: [[&str; 3]; 2] =
    [["webhook-id", "webhook-timestamp", "webhook-signature"], ["svix-id", "svix-timestamp", "svix-signature"]];

/// The id of what a request reports: the same in each repetition, and in nothing else.
pub(in crate::providers) fn id(request: &WebhookRequest) -> Option<&str> {
    FAMILIES.iter().find_map(|[id, ..]| given(request, id))
}

/// Whether a text is a secret: `whsec_` and base64, or the base64 alone.
pub(in crate::providers) fn is_secret(secret: &Secret) -> bool {
    key(secret).is_some_and(|key| key.len() >= SHORTEST_KEY)
}

/// Verifies, first who signed, then when. Any of the secrets may match any of the signatures: there are two of each while a
/// secret is changed. A secret that is not one matches nothing.
pub(in crate::providers) fn verify(
    request: &WebhookRequest,
    secrets: &[Secret],
    now: DateTime<Utc>,
    tolerance: TimeDelta,
) -> Result<(), SignatureError> {
    let headers = FAMILIES.iter().find(|family| family.iter().all(|name| given(request, name).is_some()));
    let [id, timestamp, signatures] = headers.ok_or(SignatureError::Missing)?.map(|name| given(request, name));
    let (id, timestamp, signatures) =
        (id.unwrap_or_default(), timestamp.unwrap_or_default(), signatures.unwrap_or_default());
    if secrets.is_empty() {
        return Err(SignatureError::Missing);
    }
    let signed_at = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let signed_at = signed_at.ok_or(SignatureError::Malformed)?;
    let signatures: Vec<_> = signatures
        .split_ascii_whitespace()
        .filter_map(|signature| signature.split_once(','))
        .filter(|(version, _)| *version == VERSION)
        .filter_map(|(_, signature)| STANDARD.decode(signature).ok())
        .take(MAX_SIGNATURES)
        .collect();
    if signatures.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let mut is_genuine = false;
    for key in secrets.iter().filter_map(key) {
        let expected = mac(&key, id, timestamp, &request.body);
        for signature in &signatures {
            is_genuine |= bool::from(expected.as_slice().ct_eq(signature));
        }
    }
    if !is_genuine {
        return Err(SignatureError::Forged);
    }
    let age = now - signed_at;
    if age.abs() > tolerance { Err(SignatureError::Stale { age }) } else { Ok(()) }
}

/// The signature of a request, as the one who sends it writes it; [`None`] unless the secret is one. For doubles of providers.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    Some(format!("{VERSION},{}", STANDARD.encode(mac(&key(secret)?, id, timestamp, body))))
}

fn given<'a>(request: &'a WebhookRequest, name: &str) -> Option<&'a str> {
    request.header(name).filter(|given| !given.is_empty())
}

fn key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.expose();
    STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok().filter(|key| !key.is_empty())
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const AT: i64 = 1_614_265_330;

    fn request(family: &str, id: &str, timestamp: &str, signature: &str, body: &str) -> WebhookRequest {
        let headers = [("Id", id), ("Timestamp", timestamp), ("Signature", signature)];
        let headers = headers.map(|(name, value)| (format!("{family}-{name}"), Bytes::from(value.to_owned())));
        let body = Bytes::from(body.to_owned());
        WebhookRequest { method: "POST".to_owned(), headers: headers.to_vec(), body, ..WebhookRequest::default() }
    }

    fn genuine(signature: &str) -> WebhookRequest {
        request("webhook", ID, "1614265330", signature, BODY)
    }

    fn check(request: &WebhookRequest, secrets: &[&str], now: i64) -> Result<(), SignatureError> {
        let secrets: Vec<_> = secrets.iter().map(Secret::new).collect();
        verify(request, &secrets, DateTime::from_timestamp(now, 0).expect("a time"), TOLERANCE)
    }

    /// The vectors of `standard-webhooks` (its Python and JavaScript libraries) and of `svix-webhooks` (`rust/src/webhooks.rs`).
    #[test]
    fn what_the_libraries_of_the_scheme_sign_is_genuine() {
        for family in ["webhook", "svix", "Svix"] {
            assert_eq!(check(&request(family, ID, "1614265330", SIGNED, BODY), &[SECRET], AT), Ok(()));
        }
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signed = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        let other = request("svix", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", signed, body);
        assert_eq!(check(&other, &["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"], 1_649_367_553), Ok(()));
        let made = sign(&Secret::new(SECRET), ID, "1614265330", BODY.as_bytes());
        assert_eq!(made.as_deref(), Some(SIGNED));
    }

    #[test]
    fn while_a_secret_is_changed_any_of_two_matches() {
        let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
        let both = format!("{other} v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1a,AAAA {SIGNED} {other}");
        assert_eq!(check(&genuine(&both), &[SECRET], AT), Ok(()));
        let old = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        assert_eq!(check(&genuine(SIGNED), &[old, SECRET], AT), Ok(()));
        assert_eq!(check(&genuine(SIGNED), &[SECRET.trim_start_matches(PREFIX)], AT), Ok(()));
    }

    #[test]
    fn whatever_else_is_refused_and_said_why() {
        use SignatureError::{Forged, Malformed, Missing};
        let altered = SIGNED.replace("1OE=", "1OA=");
        let cases = [
            (genuine(&altered), Forged),
            (genuine(&SIGNED.replace("v1,", "v2,")), Malformed),
            (genuine("v1,not base64!"), Malformed),
            (genuine("v1,AAAA"), Forged),
            (genuine(""), Missing),
            (request("webhook", "", "1614265330", SIGNED, BODY), Missing),
            (request("webhook", "msg_other", "1614265330", SIGNED, BODY), Forged),
            (request("webhook", ID, "1614265331", SIGNED, BODY), Forged),
            (request("webhook", ID, "now", SIGNED, BODY), Malformed),
            (request("webhook", ID, "", SIGNED, BODY), Missing),
            (request("webhook", ID, "1614265330", SIGNED, "{\"test\": 2432232315}"), Forged),
            (request("hook", ID, "1614265330", SIGNED, BODY), Missing),
        ];
        for (number, (request, expected)) in cases.iter().enumerate() {
            assert_eq!(check(request, &[SECRET], AT), Err(expected.clone()), "{number}");
        }
        assert_eq!(check(&genuine(SIGNED), &[], AT), Err(Missing));
        assert_eq!(check(&genuine(SIGNED), &["whsec_", "whsec_%%%"], AT), Err(Forged));
    }

    #[test]
    fn a_genuine_request_is_stale_after_five_minutes_and_when_it_comes_from_the_future() {
        assert_eq!(check(&genuine(SIGNED), &[SECRET], AT + 300), Ok(()));
        assert_eq!(check(&genuine(SIGNED), &[SECRET], AT - 300), Ok(()));
        let stale = |seconds| Err(SignatureError::Stale { age: TimeDelta::seconds(seconds) });
        assert_eq!(check(&genuine(SIGNED), &[SECRET], AT + 301), stale(301));
        assert_eq!(check(&genuine(SIGNED), &[SECRET], AT - 301), stale(-301));
    }

    #[test]
    fn the_id_is_read_whatever_the_headers_are_called() {
        assert_eq!(id(&genuine(SIGNED)), Some(ID));
        assert_eq!(id(&request("svix", ID, "1", SIGNED, BODY)), Some(ID));
        assert_eq!(id(&WebhookRequest::default()), None);
    }

    #[test]
    fn only_base64_of_a_long_enough_key_is_a_secret() {
        assert!(is_secret(&Secret::new(SECRET)) && is_secret(&Secret::new(&SECRET[PREFIX.len()..])));
        for text in ["", "whsec_", "whsec_AAAA", "whsec_%%%", "re_123456789"] {
            assert!(!is_secret(&Secret::new(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_nothing_is_believed(
            headers in proptest::collection::vec((
                "(webhook|svix)-(id|timestamp|signature)", "[0-9]{1,30}|v1,[A-Za-z0-9+/=]{0,50}|.{0,40}"), 0..8),
            body in any::<Vec<u8>>(),
        ) {
            let headers = headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
            let request = WebhookRequest { headers, body: body.into(), ..WebhookRequest::default() };
            prop_assert!(check(&request, &[SECRET], AT).is_err());
        }
    }
}
