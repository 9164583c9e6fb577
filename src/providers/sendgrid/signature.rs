//! SendGrid's signatures: ECDSA on P-256 with SHA-256, over the time stamp and the body exactly as it came.
//!
//! A signed batch is accepted for 25 hours, because SendGrid repeats it for 24, perhaps with the first signature. Event ids,
//! not freshness, keep a repetition from counting twice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use crate::providers::{SignatureError, WebhookRequest};

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";
/// How far ahead of ours SendGrid's clock may be.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// What stands before the point in the `SubjectPublicKeyInfo` of every key on P-256 (RFC 5480).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A verification key.
#[derive(Debug, Clone)]
pub(super) struct PublicKey([u8; 65]);

impl PublicKey {
    /// Reads base64 of a `SubjectPublicKeyInfo`, with or without the lines of PEM around it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let base64: String = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let bytes = STANDARD.decode(base64).ok()?;
        let point: [u8; 65] = bytes.strip_prefix(&P256)?.try_into().ok()?;
        (point[0] == 4).then_some(Self(point))
    }

    fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0).verify(message, signature).is_ok()
    }
}

/// Whether a request carries a signature at all.
pub(super) fn is_signed(request: &WebhookRequest) -> bool {
    request.header(SIGNATURE).is_some_and(|signature| !signature.is_empty())
}

/// Verifies, first who signed, then when.
pub(super) fn verify(
    request: &WebhookRequest,
    keys: &[PublicKey],
    freshness: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let given = |name| request.header(name).filter(|given| !given.is_empty()).ok_or(SignatureError::Missing);
    let (signature, timestamp) = (given(SIGNATURE)?, given(TIMESTAMP)?);
    if keys.is_empty() {
        return Err(SignatureError::Missing);
    }
    let signature = STANDARD.decode(signature).map_err(|_| SignatureError::Malformed)?;
    let message = [timestamp.as_bytes(), &request.body].concat();
    if !keys.iter().any(|key| key.accepts(&message, &signature)) {
        return Err(SignatureError::Forged);
    }
    let signed_at = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let age = now - signed_at.ok_or(SignatureError::Malformed)?;
    if age > freshness || age < -AHEAD {
        return Err(SignatureError::Stale { age });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNN\
        RaINXvVpiglSI8eNEc6wEA3F+g==";
    const OTHER_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2is1eViXeZ9NwNbYKD/b51+WBZQVf+mLT0QCLiD6+HgWlNkrldvc\
        i/3m/o72GgCr3ilINxo9FpHElSHNnlYA7A==";
    const SIGNED: &str =
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    const BODY: &str = "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\
        \"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\"sg_message_id\":\
        \"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\"smtp-id\":\
        \"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n";

    fn request(timestamp: &str, signature: &str, body: &str) -> WebhookRequest {
        let headers = vec![
            ("X-Twilio-Email-Event-Webhook-Signature".to_owned(), Bytes::copy_from_slice(signature.as_bytes())),
            ("X-Twilio-Email-Event-Webhook-Timestamp".to_owned(), Bytes::copy_from_slice(timestamp.as_bytes())),
        ];
        let body = Bytes::copy_from_slice(body.as_bytes());
        WebhookRequest { method: "POST".to_owned(), headers, body, ..WebhookRequest::default() }
    }

    fn check(keys: &[&str], request: &WebhookRequest, now: i64) -> Result<(), SignatureError> {
        let keys: Vec<_> = keys.iter().map(|key| PublicKey::parse(key).expect("a key")).collect();
        verify(request, &keys, TimeDelta::hours(25), DateTime::from_timestamp(now, 0).expect("a time"))
    }

    /// The vector of sendgrid-python, `test/unit/test_eventwebhook.py`. Its signature has a high S.
    #[test]
    fn what_sendgrid_signed_is_genuine_to_the_last_line_break() {
        let genuine = request("1600112502", SIGNED, BODY);
        assert_eq!(check(&[KEY], &genuine, 1_600_112_502), Ok(()));
        assert_eq!(check(&[OTHER_KEY, KEY], &genuine, 1_600_112_502), Ok(()));
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &KEY[..64], &KEY[64..]);
        assert_eq!(check(&[&pem], &genuine, 1_600_112_502), Ok(()));
        let trimmed = request("1600112502", SIGNED, BODY.trim_end());
        assert_eq!(check(&[KEY], &trimmed, 1_600_112_502), Err(SignatureError::Forged));
    }

    /// A POST that SendGrid's own test of a webhook made (`StrongGrid`, `WebhookParserTests.cs`).
    #[test]
    fn a_batch_of_every_event_is_genuine() {
        let signature =
            "MEYCIQC7zQwrnBHCHxGZOkh70LJ144tIuSOxru0YGCn/bSE0/QIhAJ22PAa8HdZZQ+wrK+9sgeWF8BDdd1t+zbmCLO33RcyA";
        let batch = request("1606575372", signature, super::super::events::tests::BATCH);
        assert_eq!(check(&[OTHER_KEY], &batch, 1_606_575_400), Ok(()));
    }

    #[test]
    fn whatever_else_is_refused_and_said_why() {
        let now = 1_600_112_502;
        let other = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3j/0=";
        let wrong_payload = BODY.replace("hello", "hallo");
        let cases = [
            (request("1600112502", other, BODY), SignatureError::Forged),
            (request("timestamp", SIGNED, BODY), SignatureError::Forged),
            (request("1600112502", SIGNED, &wrong_payload), SignatureError::Forged),
            (request("1600112502", "not base64!", BODY), SignatureError::Malformed),
            (request("1600112502", "AAAA", BODY), SignatureError::Forged),
            (request("1600112502", "", BODY), SignatureError::Missing),
            (request("", SIGNED, BODY), SignatureError::Missing),
        ];
        for (request, expected) in cases {
            assert_eq!(check(&[KEY], &request, now), Err(expected));
        }
        let genuine = request("1600112502", SIGNED, BODY);
        assert_eq!(check(&[OTHER_KEY], &genuine, now), Err(SignatureError::Forged));
        assert_eq!(check(&[], &genuine, now), Err(SignatureError::Missing));
    }

    #[test]
    fn a_genuine_batch_is_stale_after_a_day_of_repetitions_and_when_it_comes_from_the_future() {
        let genuine = request("1600112502", SIGNED, BODY);
        let at = |seconds: i64| check(&[KEY], &genuine, 1_600_112_502 + seconds);
        assert_eq!(at(24 * 3600), Ok(()));
        assert_eq!(at(26 * 3600), Err(SignatureError::Stale { age: TimeDelta::hours(26) }));
        assert_eq!(at(-60), Ok(()));
        assert_eq!(at(-600), Err(SignatureError::Stale { age: TimeDelta::minutes(-10) }));
    }

    #[test]
    fn only_keys_on_the_curve_are_keys() {
        for text in ["", "MFkw", "%%%", &KEY[..80]] {
            assert!(PublicKey::parse(text).is_none(), "{text}");
        }
    }
}
