use serde_json::json;

use super::*;

/// A key that opens nothing: it was made for these tests.
pub(in crate::providers) const KEY: &str = include_str!("test_key.pem");

/// Of vonage-java-sdk, `MessagesClientTest.java`.
const JAVA: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJTaW5hIiwibmFtZSI6IkphdmFfU0RLIiw\
    iaWF0IjoxNjk4NjgwMzkyfQ.4qJpi46NSYURiLI1xoLIfGRygA8IUI2QSG9P2Kus1Oo";
const JAVA_SECRET: &str = "XsA09z2MhUxYcdbXaUX3aTT7TzGmnCLfkdILf0NIyC9hN9criTEUdlI3OZ5hRjR";
/// Of vonage-python-sdk, `jwt/tests/test_verify_jwt.py`.
const PYTHON: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpY\
    XQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC\
    29y6CGM";
const PYTHON_SECRET: &str = "qwertyuiopasdfghjklzxcvbnm123456";

fn check(token: &str, secret: &str) -> Result<Value, SignatureError> {
    verify(token, &[Secret::new("another"), Secret::new(secret)])
}

#[test]
fn the_tokens_of_the_libraries_are_genuine() {
    let java = json!({ "sub": "Sina", "name": "Java_SDK", "iat": 1_698_680_392 });
    assert_eq!(check(JAVA, JAVA_SECRET), Ok(java));
    let claims = check(PYTHON, PYTHON_SECRET).expect("genuine");
    assert_eq!(claims["iat"], json!(1_697_634_680));
}

#[test]
fn whatever_else_is_refused_and_said_why() {
    use SignatureError::{Forged, Malformed, Missing};
    let encoded = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
    let rest = &JAVA[JAVA.find('.').expect("a dot")..];
    let with = |header: Value| format!("{}{rest}", encoded(header));
    let unsigned = with(json!({ "alg": "none" }));
    let unsigned = &unsigned[..=unsigned.rfind('.').expect("a dot")];
    assert_eq!(check(&JAVA.replace("4qJpi46N", "4qJpi46M"), JAVA_SECRET), Err(Forged));
    assert_eq!(check(PYTHON, "asdf"), Err(Forged));
    assert_eq!(check(&with(json!({ "alg": "HS512" })), JAVA_SECRET), Err(Forged));
    assert_eq!(check(unsigned, JAVA_SECRET), Err(Malformed));
    for header in [json!({ "alg": "RS256" }), json!({ "alg": "None" }), json!({}), json!([])] {
        assert_eq!(check(&with(header), JAVA_SECRET), Err(Malformed));
    }
    for odd in ["", "a", "a.b", "a.b.c.d", "..", "%.%.%", &"x".repeat(LONGEST + 1)] {
        assert_eq!(check(odd, JAVA_SECRET), Err(Malformed), "{odd}");
    }
    assert_eq!(verify(JAVA, &[]), Err(Missing));
    assert_eq!(verify(JAVA, &[Secret::new(" ")]), Err(Missing), "an empty secret proves nothing");
}

#[test]
fn what_is_signed_here_is_genuine_however_short_the_secret_is() {
    let claims = json!({ "iss": "Vonage", "n": 1 });
    assert_eq!(check(&sign(&Secret::new("s"), &claims), "s"), Ok(claims));
}

/// The signature is the one of `openssl dgst -sha256 -sign`.
#[test]
fn a_token_of_an_rsa_key_is_signed_as_openssl_does() {
    let key = RsaKey::parse(&Secret::new(KEY)).expect("a key");
    let signature = "B3U8uFoGUD64qsiiqJtu4BH599PP_-VU6GzD7q3jwHH6ODQrJK89yPjwgrVNPo5JAG8Lj8WSiw8lENgCT5dMUNlug5PYYMu4\
        C_2713tv8UMWHjxcZLRPGkmV0U5xDyrBMI9HpxJxlix42DyezeSZTqrlKYOHQyP8bR_J_5YgEzmnXZLi-cZu_H3dwHdBJ9NY\
        nBa9EyBPS1YMOfcNoJ8Eb5-PiUlNG5CRePfcFqzf9K0ZiPz_10OYpO7G48N55-\
        PDafE1o7Vzjuutxf_dfBQitdGo4y6_8TyTeAuj02HW4tNpPX1hocHr-2A3XgZrZisxo_V-N3bYp51liedwaHzQ3g";
    let expected = format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.{signature}");
    assert_eq!(key.sign(&json!({ "a": 1 })), Some(expected));
    assert_eq!(format!("{key:?}"), "RsaKey(..)");
}

#[test]
fn a_key_may_have_lost_its_lines_and_must_be_a_strong_one() {
    for lines in ["\\n", " ", "", "\r\n", "\\r\\n"] {
        let pem = KEY.trim().replace('\n', lines).replace("\\r", "");
        assert!(RsaKey::parse(&Secret::new(pem)).is_some(), "{lines:?}");
    }
    assert!(RsaKey::parse(&Secret::new(include_str!("pkcs1_key.pem"))).is_some());
    let weak = include_str!("weak_key.pem");
    let public = KEY.replace("PRIVATE", "PUBLIC");
    for text in
        ["", "key", "./private.key", &public, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", weak]
    {
        assert!(RsaKey::parse(&Secret::new(text)).is_none());
    }
}
