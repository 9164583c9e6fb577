use bytes::Bytes;
use serde_json::json;

use super::*;
use SignatureError::{Forged, Malformed, Missing};

/// The distinct cases of go-rest-api, `signature_jwt/testdata/reference.json` (BSD-2-Clause).
const REFERENCE: &str = include_str!("reference.json");
const KEY: &str = "36efdd1aace2e26cd490f0d951138253bef2f7c6d34d18981da781555cc4cebb";
/// 2021-07-05T12:00:00+02:00, when all of them come in.
const AT: i64 = 1_625_479_200;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

fn request(url: &str, headers: &[(&str, &str)], body: &str) -> WebhookRequest {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Bytes::from((*value).to_owned())));
    let body = Bytes::from(body.to_owned());
    WebhookRequest { method: "GET".to_owned(), url: url.to_owned(), headers: headers.collect(), body }
}

fn with_token(url: &str, token: &str, body: &str) -> WebhookRequest {
    request(url, &[("MessageBird-Signature-JWT", token)], body)
}

fn check(request: &WebhookRequest, now: i64) -> Result<(), SignatureError> {
    verify(request, &[Secret::new("next"), Secret::new(KEY)], at(now))
}

#[test]
fn the_reference_cases_are_judged_as_the_library_does() {
    let cases: Vec<Value> = serde_json::from_str(REFERENCE).expect("JSON");
    assert_eq!(cases.len(), 12);
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let verdict = check(&with_token(text("url"), text("token"), text("payload")), AT);
        assert_eq!(verdict.is_ok(), case["valid"] == json!(true), "{}: {verdict:?}", text("name"));
    }
}

#[test]
fn a_token_proves_one_url_and_one_body_for_some_minutes() {
    let url = "https://crm.example.com/webhooks/messagebird/main?id=1&token=x";
    let key = Secret::new(KEY);
    let token = sign_request(&key, url, b"body", at(AT));
    assert_eq!(check(&with_token(url, &token, "body"), AT), Ok(()));
    assert_eq!(check(&with_token(url, &token, "Body"), AT), Err(Forged));
    assert_eq!(check(&with_token(url, &token, ""), AT), Err(Forged));
    assert_eq!(check(&with_token(&format!("{url}&id=2"), &token, "body"), AT), Err(Forged));
    assert_eq!(check(&with_token(url, &sign_request(&key, url, b"", at(AT)), "body"), AT), Err(Forged));
    let stale = |seconds| Err(SignatureError::Stale { age: TimeDelta::seconds(seconds) });
    assert_eq!(check(&with_token(url, &token, "body"), AT + 360), Ok(()));
    assert_eq!(check(&with_token(url, &token, "body"), AT + 361), stale(361));
    assert_eq!(check(&with_token(url, &token, "body"), AT - 301), stale(-301));
    let other = [Secret::new("another")];
    assert_eq!(verify(&with_token(url, &token, "body"), &other, at(AT)), Err(Forged));
    assert_eq!(verify(&with_token(url, &token, "body"), &[], at(AT)), Err(Missing));
}

#[test]
fn every_claim_is_needed() {
    let url = "https://example.com/";
    let claims = |spoil: &str, value: Value| {
        let mut claims = json!({
            "iss": "MessageBird",
            "nbf": AT,
            "exp": AT + 60,
            "jti": "1",
            "url_hash": "0f115db062b7c0dd030b16878c99dea5c354b49dc37b38eb8846179c7783e9d7",
        });
        claims[spoil] = value;
        check(&with_token(url, &jwt::sign(&Secret::new(KEY), &claims), ""), AT)
    };
    assert_eq!(claims("jti", json!("1")), Ok(()));
    for (claim, value, expected) in [
        ("iss", json!("Somebody"), Forged),
        ("jti", json!(""), Forged),
        ("url_hash", json!(null), Forged),
        ("payload_hash", json!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), Forged),
        ("nbf", json!(null), Malformed),
        ("exp", json!("tomorrow"), Malformed),
    ] {
        assert_eq!(claims(claim, value), Err(expected), "{claim}");
    }
}

/// The vectors of go-rest-api, `signature/signature_test.go`.
#[test]
fn older_signatures_cover_time_query_and_body() {
    let body = r#"{"a key":"some value"}"#;
    let check = |key: &str, query: &str, body: &str, signature: &str, now: i64| {
        let headers = [("MessageBird-Signature", signature), ("MessageBird-Request-Timestamp", "1544544948")];
        let request = request(&format!("https://example.com/path{query}"), &headers, body);
        verify(&request, &[Secret::new("next"), Secret::new(key)], at(now))
    };
    let now = 1_544_544_948;
    let both = "orb0adPhRCYND1WCAvPBr+qjm4STGtyvNDIDNBZ4Ir4=";
    assert_eq!(check("other-secret", "?abc=foo&def=bar", body, both, now), Ok(()));
    assert_eq!(check("other-secret", "?def=bar&abc=foo", body, both, now), Ok(()), "the query is sorted");
    assert_eq!(check("secret", "", "", "LISw4Je7n0/MkYDgVSzTJm8dW6BkytKTXMZZk1IElMs=", now), Ok(()));
    assert_eq!(check("secret", "", body, "p2e20OtAg39DEmz1ORHpjQ556U4o1ZaH4NWbM9Q8Qjk=", now), Ok(()));
    assert_eq!(check("secret", "?abc=foo&def=bar", "", "Tfn+nRUBsn6lQgf6IpxBMS1j9lm7XsGjt5xh47M3jCk=", now), Ok(()));
    let other = "LISw4Je7n0/MkYDgVSzTJm8dW6BkytKTXMZZk1IElMs=";
    assert_eq!(check("other-secret", "?abc=foo&def=bar", body, other, now), Err(Forged));
    assert_eq!(check("other-secret", "?abc=foo&def=baz", body, both, now), Err(Forged));
    assert_eq!(check("other-secret", "?abc=foo&def=bar", "{}", both, now), Err(Forged));
    assert_eq!(check("other-secret", "?abc=foo&def=bar", body, "not base64!", now), Err(Malformed));
    assert_eq!(check("other-secret", "?abc=foo&def=bar", body, "", now), Err(Missing));
    let stale = SignatureError::Stale { age: TimeDelta::seconds(301) };
    assert_eq!(check("other-secret", "?abc=foo&def=bar", body, both, now + 301), Err(stale));
}

#[test]
fn a_query_is_encoded_the_way_of_go() {
    assert_eq!(sorted("b=1&a=x+y&a=%2A~&price%5Bamount%5D=0.1"), "a=x+y&a=%2A~&b=1&price%5Bamount%5D=0.1");
    assert_eq!(sorted("t=2026-01-01T14%3A00%3A00%2B00%3A00&e"), "e=&t=2026-01-01T14%3A00%3A00%2B00%3A00");
}
