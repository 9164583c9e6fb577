//! `X-Twilio-Signature`: HMAC-SHA-1 over the URL that Twilio called and the parameters that it posted.
//!
//! The URL is signed as Twilio wrote it, which is not always as it arrives: with or without its port, and with its query
//! encoded the way of older libraries. Any of these forms may match (as in twilio-node, `src/webhooks/webhooks.ts`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::providers::{Secret, SignatureError, WebhookRequest};

const HEADER: &str = "x-twilio-signature";
/// A signature of HMAC-SHA-1 in base64.
const LENGTH: usize = 28;

pub(super) fn verify(request: &WebhookRequest, tokens: &[Secret]) -> Result<(), SignatureError> {
    let given = request.header(HEADER).filter(|given| !given.is_empty()).ok_or(SignatureError::Missing)?;
    if tokens.is_empty() {
        return Err(SignatureError::Missing);
    }
    if given.len() != LENGTH {
        return Err(SignatureError::Malformed);
    }
    let parameters = signed_parameters(request)?;
    let mut is_genuine = false;
    for url in spellings(&request.url) {
        for token in tokens {
            is_genuine |= bool::from(sign(token, &url, &parameters).as_bytes().ct_eq(given.as_bytes()));
        }
    }
    if is_genuine { Ok(()) } else { Err(SignatureError::Forged) }
}

/// The signature of a request, as Twilio makes it. Repeated parameters count once for each value, sorted.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "it cannot: HMAC takes a key of any length")]
pub fn sign(token: &Secret, url: &str, parameters: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in parameters {
        sorted.entry(key).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (key, values) in sorted {
        for value in values {
            mac.update(key.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What was signed beside the URL. Whatever body is not covered by the signature is refused: a signature of a request
/// without a body would otherwise prove any body.
fn signed_parameters(request: &WebhookRequest) -> Result<Vec<(String, String)>, SignatureError> {
    if let Some(digest) = request.query_parameter("bodySHA256") {
        let actual = hex::encode(Sha256::digest(&request.body));
        let is_same = bool::from(actual.as_bytes().ct_eq(digest.to_ascii_lowercase().as_bytes()));
        return if is_same { Ok(vec![]) } else { Err(SignatureError::Forged) };
    }
    if request.body.is_empty() {
        return Ok(vec![]);
    }
    if request.media_type() != "application/x-www-form-urlencoded" || request.method.eq_ignore_ascii_case("GET") {
        return Err(SignatureError::Malformed);
    }
    Ok(form_urlencoded::parse(&request.body).into_owned().collect())
}

/// The spellings of a URL that may have been signed.
fn spellings(url: &str) -> BTreeSet<String> {
    let url = url.split('#').next().unwrap_or_default();
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let queries: BTreeSet<Option<String>> = match query {
        None => BTreeSet::from([None]),
        Some(query) => [query.to_owned(), query.replace('\'', "%27"), legacy(query)].into_iter().map(Some).collect(),
    };
    let mut spellings = BTreeSet::new();
    for address in ports(address) {
        for query in &queries {
            spellings.insert(match query {
                None => address.clone(),
                Some(query) => format!("{address}?{query}"),
            });
        }
    }
    spellings
}

/// A URL without its query: without a port, and with the given or usual one.
fn ports(address: &str) -> Vec<String> {
    let Some((scheme, rest)) = address.split_once("://") else { return vec![address.to_owned()] };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    // An address of IP version 6 has colons of its own, in brackets.
    let port_at = authority.rfind(':').filter(|&at| at >= host_at && !authority[at..].contains(']'));
    let (host, port) = match port_at {
        Some(at) => (&authority[..at], &authority[at + 1..]),
        None => (authority, if scheme.eq_ignore_ascii_case("http") { "80" } else { "443" }),
    };
    vec![format!("{scheme}://{host}{path}"), format!("{scheme}://{host}:{port}{path}"), address.to_owned()]
}

/// A query taken apart and put together the way of Node's old `querystring`: repeated names stand together, a space is
/// `%20`, and `!'()*~` stand for themselves.
fn legacy(query: &str) -> String {
    let mut parameters: Vec<(String, Vec<String>)> = vec![];
    for (key, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        match parameters.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => parameters.push((key, vec![value])),
        }
    }
    let mut written = vec![];
    for (key, values) in parameters {
        for value in values {
            written.push(format!("{}={}", escape(&key), escape(&value)));
        }
    }
    written.join("&")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    type Parameters<'a> = &'a [(&'a str, &'a str)];

    const CALL: Parameters<'static> = &[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ];

    fn request(url: &str, parameters: &[(&str, &str)], signature: &str) -> WebhookRequest {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let headers = vec![
            ("Content-Type".to_owned(), Bytes::from_static(b"application/x-www-form-urlencoded; charset=UTF-8")),
            ("X-Twilio-Signature".to_owned(), Bytes::copy_from_slice(signature.as_bytes())),
        ];
        WebhookRequest { method: "POST".to_owned(), url: url.to_owned(), headers, body: body.into() }
    }

    fn check(token: &str, request: &WebhookRequest) -> Result<(), SignatureError> {
        verify(request, &[Secret::new("another"), Secret::new(token)])
    }

    /// The vectors of twilio-node, `spec/validation.spec.js`: URL as it arrives, parameters, signature.
    #[test]
    fn requests_that_twilio_signed_are_genuine() {
        let listed = [("MessagingBinding.Address", "+1325xxxxxxx"), ("MessagingBinding.Address", "+1415xxxxxxx")];
        let reversed = [listed[1], listed[0]];
        let digits =
            [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")];
        let cases: &[(&str, Parameters<'_>, &str)] = &[
            ("https://mycompany.com/myapp.php?foo=1&bar=2", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
            ("http://mycompany.com/myapp.php?foo=1&bar=2", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
            ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            ("https://user@mycompany.com/myapp.php?foo=1&bar=2", CALL, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
            ("https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", CALL, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing", CALL, "TfZzewPq8wqrGlMfyAud8+/IvJ0="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &listed, "83O6e2vORAoJHUNzJjDWN1jz+BA="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &reversed, "83O6e2vORAoJHUNzJjDWN1jz+BA="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &digits, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ];
        for (url, parameters, signature) in cases {
            assert_eq!(check("12345", &request(url, parameters, signature)), Ok(()), "{url} {signature}");
        }
    }

    /// Pairs of URLs of twilio-node, `spec/unit/webhooks/webhooks.spec.js`.
    #[test]
    fn ports_and_quotes_may_be_written_otherwise() {
        let cases = [
            ("https://example.com:443/path?test=param", "IdwMFypqvNxti3YgvWWmfcNL26M="),
            ("https://example.com/path?test=param", "IdwMFypqvNxti3YgvWWmfcNL26M="),
            ("https://example.com:443/path?test=param", "loLgTitFAoWx57yy5oEU4Hlddzw="),
            ("https://example.com/path?test=param%27WithQuote", "GfI7onHX/KQ2k1oVS3cUTVk4IEw="),
            ("https://example.com/path?test=param'WithQuote", "HkuXLxVQ7zHv9LmGpzlLuGaxhJY="),
        ];
        for (url, signature) in cases {
            assert_eq!(check("s3cr3t", &request(url, &[], signature)), Ok(()), "{url} {signature}");
        }
        let other = request("https://example.com/path?test=param2", &[], "loLgTitFAoWx57yy5oEU4Hlddzw=");
        assert_eq!(check("s3cr3t", &other), Err(SignatureError::Forged));
    }

    #[test]
    fn a_json_body_is_proved_by_its_digest_in_the_url() {
        let json = |digest: &str, body: &'static str, signature: &str| {
            let url = format!("https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256={digest}");
            let mut request = request(&url, &[], signature);
            request.body = Bytes::from_static(body.as_bytes());
            request.headers[0].1 = Bytes::from_static(b"application/json");
            check("12345", &request)
        };
        let digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let body = "{\"property\": \"value\", \"boolean\": true}";
        assert_eq!(json(digest, body, "a9nBmqA0ju/hNViExpshrM61xv4="), Ok(()));
        assert_eq!(json(digest, "{}", "a9nBmqA0ju/hNViExpshrM61xv4="), Err(SignatureError::Forged));
        let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(json(empty, "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="), Ok(()));
    }

    #[test]
    fn what_is_not_signed_or_signed_otherwise_is_refused() {
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(check("12345", &request(url, CALL, "WRONG_SIGNATURE")), Err(SignatureError::Malformed));
        assert_eq!(check("12345", &request(url, CALL, "")), Err(SignatureError::Missing));
        let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert_eq!(check("54321", &request(url, CALL, good)), Err(SignatureError::Forged));
        assert_eq!(check("12345", &request(url, &CALL[1..], good)), Err(SignatureError::Forged));
        assert_eq!(verify(&request(url, CALL, good), &[]), Err(SignatureError::Missing));
        assert_eq!(verify(&request(url, CALL, good), &[Secret::new("")]), Err(SignatureError::Forged));
    }

    #[test]
    fn a_signature_of_a_url_alone_proves_no_body() {
        let url = "https://crm.example.com/hooks";
        let token = Secret::new("12345");
        let mut replayed = request(url, &[("MessageStatus", "delivered")], &sign(&token, url, &[]));
        assert_eq!(check("12345", &replayed), Err(SignatureError::Forged));
        replayed.method = "GET".to_owned();
        assert_eq!(check("12345", &replayed), Err(SignatureError::Malformed));
        replayed.method = "POST".to_owned();
        replayed.headers[0].1 = Bytes::from_static(b"application/json");
        assert_eq!(check("12345", &replayed), Err(SignatureError::Malformed));
    }
}
