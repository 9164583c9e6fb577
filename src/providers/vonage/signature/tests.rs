use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::providers::vonage::settings::tests::APPLICATION;

use SignatureError::{Forged, Malformed, Missing};

type Pairs<'a> = &'a [(&'a str, &'a str)];

const AB: Pairs<'static> = &[("b", "bananas"), ("a", "alphabet"), ("timestamp", "2100")];
const PLAIN: Pairs<'static> = &[("param1", "value1"), ("param2", "value2"), ("timestamp", "1234567890")];
const OLD: Pairs<'static> = &[("param1", "value1"), ("param2", "value2"), ("timestamp", "12345")];
const SIGNS: Pairs<'static> = &[("param1", "value&1"), ("param2", "value=2"), ("timestamp", "1234567890")];

/// The vectors of vonage-java-sdk, `RequestSigningTest.java`, and of vonage-python-sdk, `http_client/tests/test_auth.py`.
#[test]
fn parameters_are_signed_as_the_libraries_do() {
    use SignatureMethod::{Md5Hash, Md5Hmac, Sha256Hmac, Sha512Hmac};
    let long = "1c834a1f6a377d4473971387b065cb38e2ad6c4869ba77b7b53e207a344e87ba04b456dfc697b371a2d1\
        ce476d01dafd4394aa97525eff23badad39d2389a710";
    let cases: &[(&str, SignatureMethod, Pairs<'_>, &str)] = &[
        ("abcde", Md5Hash, AB, "7d43241108912b32cc315b48ce681acf"),
        ("abcde", Md5Hmac, AB, "e0afe267aefd6dd18a848c1681517a19"),
        ("abcde", Sha256Hmac, AB, "8d1b0428276b6a070578225914c3502cc0687a454dfbbbb370c76a14234cb546"),
        ("abcde", Sha512Hmac, AB, long),
        ("abcde", Md5Hash, &[AB[1], AB[2]], "a3368bf718ba104dcb392d8877e8eb2b"),
        ("abcde", Md5Hash, &[("b", "  "), AB[1], AB[2], ("sig", "x")], "a3368bf718ba104dcb392d8877e8eb2b"),
        ("signature_secret", Md5Hmac, PLAIN, "724c2bf6ca423c36e20631b11d1c5753"),
        ("signature_secret", Md5Hmac, SIGNS, "2bbf0abafb2c55e5af6231513896a2ac"),
        ("signature_secret", Md5Hmac, OLD, "bc7e95bb4e341090b3a202a2885903a5"),
    ];
    for (secret, method, parameters, expected) in cases {
        let parameters: Vec<_> = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(sign(&Secret::new(secret), *method, &parameters), *expected, "{parameters:?}");
    }
}

fn request(method: &str, query: &str, body: &str) -> WebhookRequest {
    WebhookRequest {
        method: method.to_owned(),
        url: format!("https://crm.example.com/webhooks/vonage/main?{query}"),
        headers: vec![],
        body: Bytes::from(body.to_owned()),
    }
}

fn check(request: &WebhookRequest, secret: &str, now: i64) -> Result<(), SignatureError> {
    let now = DateTime::from_timestamp(now, 0).expect("a time");
    verify_parameters(request, &[Secret::new("next"), Secret::new(secret)], SignatureMethod::Md5Hash, now)
}

#[test]
fn a_signature_is_found_wherever_the_account_wants_parameters() {
    let signed = "a=alphabet&b=bananas&timestamp=2100&sig=7D43241108912b32cc315b48ce681acf";
    let json = r#"{"b":"bananas","timestamp":2100,"a":"alphabet","sig":"7d43241108912b32cc315b48ce681acf"}"#;
    for request in [request("GET", signed, ""), request("POST", "", signed), request("POST", signed, "")] {
        assert_eq!(check(&request, "abcde", 2_100), Ok(()));
    }
    assert_eq!(check(&request("POST", "", json), "abcde", 2_100), Ok(()));
}

#[test]
fn whatever_else_is_refused_and_said_why() {
    let sig = "sig=7d43241108912b32cc315b48ce681acf";
    let cases = [
        ("a=alphabet&b=bananas&timestamp=2100", "abcde", Missing),
        ("a=alphabet&b=bananas&timestamp=2100&sig=", "abcde", Missing),
        (&format!("a=alphabet&b=bananas&timestamp=2100&{sig}"), "other", Forged),
        (&format!("a=alphabet&b=apples&timestamp=2100&{sig}"), "abcde", Forged),
        (&format!("a=alphabet&b=bananas&timestamp=2100&c=1&{sig}"), "abcde", Forged),
        (&format!("a=alphabet&b=bananas&timestamp=2100&A=1&{sig}"), "abcde", Forged),
        ("a=1&sig=00", "abcde", Forged),
    ];
    for (query, secret, expected) in cases {
        assert_eq!(check(&request("GET", query, ""), secret, 2_100), Err(expected), "{query}");
    }
    let signed = |parameters: &str| {
        let pairs: Vec<_> = url::form_urlencoded::parse(parameters.as_bytes()).into_owned().collect();
        let sig = sign(&Secret::new("abcde"), SignatureMethod::Md5Hash, &pairs);
        check(&request("GET", &format!("{parameters}&sig={sig}"), ""), "abcde", 1_767_276_000)
    };
    assert_eq!(signed("a=1"), Err(Malformed), "without a time it would be believed for ever");
    assert_eq!(signed("timestamp=soon"), Err(Malformed));
    assert_eq!(signed("timestamp=2026-01-01+14%3A00%3A00"), Ok(()));
    let now = DateTime::from_timestamp(2_100, 0).expect("a time");
    let genuine = request("GET", &format!("a=alphabet&b=bananas&timestamp=2100&{sig}"), "");
    assert_eq!(verify_parameters(&genuine, &[], SignatureMethod::Md5Hash, now), Err(Missing));
    assert_eq!(verify_parameters(&genuine, &[Secret::new("abcde")], SignatureMethod::Md5Hmac, now), Err(Forged));
}

#[test]
fn a_signed_request_is_stale_after_a_day_of_repetitions_and_when_it_comes_from_the_future() {
    let genuine = request("GET", "a=alphabet&b=bananas&timestamp=2100&sig=7d43241108912b32cc315b48ce681acf", "");
    let at = |seconds: i64| check(&genuine, "abcde", 2_100 + seconds);
    assert_eq!(at(24 * 3_600), Ok(()));
    assert_eq!(at(26 * 3_600), Err(SignatureError::Stale { age: TimeDelta::hours(26) }));
    assert_eq!(at(-60), Ok(()));
    assert_eq!(at(-600), Err(SignatureError::Stale { age: TimeDelta::minutes(-10) }));
}

const SECRET: &str = "demo-signature-secret-at-least-32-bytes-long";
const BODY: &str = "{\"message_uuid\":\"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab\",\"to\":\"447700900000\",\
    \"from\":\"447700900001\",\"timestamp\":\"2026-01-01T14:00:00.000Z\",\"status\":\"delivered\",\"channel\":\"sms\"}";
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3NjcyNzYwMDAsImp0aSI6ImM1YmE4Zj\
    I0LTFhMTQtNGMxMC1iZmRmLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6ImY2ZmEzYWEwNzUxODcxOD\
    hiMTBiYmY3ZjcwYTFlYzQzMTlhN2Q1ZmFkZDFkYTU3OGYyZDVjMTQ4NDc2ZWUyNTgiLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaW\
    NhdGlvbl9pZCI6Ijc4ZDMzNWZhLTMyM2QtMDExNC05YzNkLWQ2ZjBkNDg5NjhjZiJ9.FYxl2FchSYnU_9AYQFgg3pml7i8mWDtS7GtB7\
    CqpI7c";
const AT: i64 = 1_767_276_000;

fn told(authorization: &str, body: &str) -> WebhookRequest {
    let mut request = request("POST", "token=x", body);
    request.headers.push(("Authorization".to_owned(), Bytes::from(authorization.to_owned())));
    request
}

fn check_token(request: &WebhookRequest, now: i64) -> Result<(), SignatureError> {
    let now = DateTime::from_timestamp(now, 0).expect("a time");
    verify_token(request, &[Secret::new("next"), Secret::new(SECRET)], "abcd1234", APPLICATION, now)
}

#[test]
fn a_token_proves_the_body_that_it_was_made_for() {
    let genuine = told(&format!("Bearer {TOKEN}"), BODY);
    assert_eq!(check_token(&genuine, AT), Ok(()));
    assert_eq!(check_token(&told(&format!("bearer  {TOKEN}"), BODY), AT), Ok(()));
    let changed = BODY.replace("delivered", "rejected");
    assert_eq!(check_token(&told(&format!("Bearer {TOKEN}"), &changed), AT), Err(Forged));
    assert_eq!(check_token(&genuine, AT + 26 * 3_600), Err(SignatureError::Stale { age: TimeDelta::hours(26) }));
    assert_eq!(check_token(&genuine, AT - 600), Err(SignatureError::Stale { age: TimeDelta::minutes(-10) }));
    let now = DateTime::from_timestamp(AT, 0).expect("a time");
    let secrets = [Secret::new(SECRET)];
    assert_eq!(verify_token(&genuine, &secrets, "other", APPLICATION, now), Err(Forged));
    assert_eq!(verify_token(&genuine, &secrets, "abcd1234", "another application", now), Err(Forged));
    assert_eq!(verify_token(&genuine, &[], "abcd1234", APPLICATION, now), Err(Missing));
    assert_eq!(check_token(&request("POST", "", BODY), AT), Err(Missing), "it is to come once more, signed");
    assert_eq!(check_token(&told("", BODY), AT), Err(Missing));
    assert_eq!(check_token(&told("Basic YTpi", BODY), AT), Err(Malformed));
    assert_eq!(check_token(&told(TOKEN, BODY), AT), Err(Malformed));
}

#[test]
fn of_the_claims_only_the_hash_of_the_body_is_needed() {
    let secret = Secret::new(SECRET);
    let with =
        |claims: serde_json::Value| check_token(&told(&format!("Bearer {}", jwt::sign(&secret, &claims)), BODY), AT);
    let hash = "f6fa3aa075187188b10bbf7f70a1ec4319a7d5fadd1da578f2d5c148476ee258";
    assert_eq!(with(json!({ "payload_hash": hash })), Ok(()));
    assert_eq!(with(json!({ "payload_hash": hash.to_uppercase() })), Ok(()));
    assert_eq!(with(json!({ "iat": AT, "api_key": "abcd1234" })), Err(Forged), "it would prove any body");
    assert_eq!(with(json!({ "payload_hash": hash, "iat": "today" })), Err(Malformed));
}

#[test]
fn what_is_kept_has_no_signature_however_it_travelled() {
    let said = |method, query, body| {
        let kept = without_proof(&request(method, query, body));
        let parameters = Parameters::of(&kept);
        (parameters.get(SIG).is_some(), parameters.get("text").map(str::to_owned), parameters.all().len())
    };
    let expected = (false, Some("a&b".to_owned()), 2);
    assert_eq!(said("GET", "text=a%26b&SIG=1&to=2&s%69g=3", ""), expected);
    assert_eq!(said("POST", "", "sig=1&text=a%26b&to=2"), expected);
    assert_eq!(said("POST", "", r#"{"text":"a&b","sig":"1","to":2}"#), expected);
}
