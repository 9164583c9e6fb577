//! The key file of a Google service account, and the assertions that it signs (RFC 7523, RS256).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{digest, hmac};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

/// What an access token may be used for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// The longest that Google lets an assertion live.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// What the key that proves reports of apps is derived with.
const REPORTS: &[u8] = b"commlog fcm reports 1";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A service account of a Firebase project. Its debug form does not show the key.
pub struct ServiceAccount {
    /// The project that it belongs to.
    pub project_id: String,
    /// Where assertions are exchanged for access tokens.
    pub token_uri: Url,
    client_email: String,
    key_id: String,
    pair: RsaKeyPair,
    reports: hmac::Key,
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("project_id", &self.project_id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    project_id: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    #[serde(default = "usual_token_uri")]
    token_uri: String,
}

fn usual_token_uri() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

impl ServiceAccount {
    /// Reads a key file; the error says what is wrong with it, without any of it.
    ///
    /// Key files are pasted into variables and forms, which turn `\n` into line breaks, line breaks into spaces, or double the
    /// backslashes. None of that changes the key, so all of it is read.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // Outside of strings a line break is as good as a space, and JSON has none within them.
        let text = Zeroizing::new(text.replace(['\r', '\n', '\t'], " "));
        if !text.trim_start().starts_with('{') {
            return Err("must be the text of the key file (JSON) of a service account, not its path");
        }
        let file: KeyFile = serde_json::from_str(&text)
            .map_err(|_| "must be the whole key file of a service account, as Google Cloud gave it out")?;
        if file.kind != "service_account" {
            return Err("must be the key of a service account (\"type\": \"service_account\")");
        }
        let is_plain = |id: &str| {
            (1..=100).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
        };
        if !is_plain(&file.project_id) {
            return Err("names no project (\"project_id\")");
        }
        let pem = Zeroizing::new(file.private_key);
        let der = der_of(&pem).ok_or("has no PKCS#8 private key in PEM (\"private_key\")")?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| "has a private key that is not an RSA key of 2048 bits")?;
        // The same bytes for as long as the key is used, and nothing that can be learnt from what they prove.
        let seed = digest::digest(&digest::SHA256, &[REPORTS, der.as_slice()].concat());
        Ok(Self {
            project_id: file.project_id,
            token_uri: file.token_uri.parse().map_err(|_| "has a \"token_uri\" that is not a URL")?,
            client_email: file.client_email,
            key_id: file.private_key_id,
            pair,
            reports: hmac::Key::new(hmac::HMAC_SHA256, seed.as_ref()),
        })
    }

    /// A JSON Web Token with which Google gives an access token out; [`None`] if the key cannot sign.
    #[must_use]
    pub(super) fn assertion(&self, now: DateTime<Utc>) -> Option<Zeroizing<String>> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri.as_str(),
            "iat": now.timestamp(),
            "exp": (now + LIFETIME).timestamp(),
        });
        let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(Zeroizing::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    /// What proves the reports of apps.
    pub(super) fn reports(&self) -> hmac::Key {
        self.reports.clone()
    }
}

/// The bytes between the markers, whatever white space, or written line breaks, stand among them.
fn der_of(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let body = Zeroizing::new(body.replace("\\n", "").replace("\\r", ""));
    let letters = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    STANDARD.decode(letters.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;
    use crate::providers::fcm::settings::tests::{KEY_FILE, key_file};

    #[test]
    fn an_assertion_says_what_google_asks_for_and_is_signed_with_the_key() {
        let account = ServiceAccount::parse(KEY_FILE).expect("a key file");
        let now = DateTime::from_timestamp(1_767_276_000, 0).expect("a time");
        let assertion = account.assertion(now).expect("it signs");
        let parts: Vec<&str> = assertion.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts") };
        let read = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
        };
        assert_eq!(read(header), json!({ "alg": "RS256", "typ": "JWT", "kid": "0123456789abcdef" }));
        let expected = json!({
            "iss": "sender@my-project.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_767_276_000, "exp": 1_767_279_600,
        });
        assert_eq!(read(claims), expected);
        let public: Vec<u8> = account.pair.public().as_ref().to_vec();
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
        let signed = format!("{header}.{claims}");
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        assert!(key.verify(signed.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn a_key_survives_what_variables_and_forms_do_to_line_breaks() {
        let pasted = [
            // As it is.
            KEY_FILE.to_owned(),
            // Escapes that became line breaks within the JSON (beste/laravel-firebase#68).
            KEY_FILE.replace("\\n", "\n"),
            // Backslashes that were doubled (firebase/firebase-tools#371, Budibase/budibase#6269).
            KEY_FILE.replace("\\n", "\\\\n"),
            // Line breaks that became spaces, or went (didcomm-mediator-credo#76, coollabsio/coolify#6384).
            KEY_FILE.replace("\\n", " "),
            KEY_FILE.replace("\\n", ""),
            KEY_FILE.replace('\n', "\r\n"),
        ];
        for text in pasted {
            assert!(ServiceAccount::parse(&text).is_ok(), "{}", text.replace(|c: char| c.is_alphanumeric(), "x"));
        }
    }

    #[test]
    fn what_is_not_a_key_file_is_refused_for_its_reason() {
        let cases = [
            ("/etc/firebase.json", "not its path"),
            ("{}", "the whole key file"),
            (&key_file("user", "my-project", KEY_FILE), "type"),
            (&key_file("service_account", "a/../b", KEY_FILE), "project"),
            (&KEY_FILE.replace("BEGIN PRIVATE", "BEGIN RSA PRIVATE"), "PKCS#8"),
            (&KEY_FILE.replace("MIIE", "AAAA"), "RSA key"),
        ];
        for (text, part) in cases {
            let reason = ServiceAccount::parse(text).expect_err(part);
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn nothing_of_the_key_is_shown() {
        let account = ServiceAccount::parse(KEY_FILE).expect("a key file");
        assert_eq!(format!("{account:?}"), "ServiceAccount { project_id: \"my-project\", .. }");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,200}", at in 0..2_000_usize, letter in any::<char>()) {
            let _ = ServiceAccount::parse(&text);
            let mut letters: Vec<char> = KEY_FILE.chars().collect();
            let at = at % letters.len();
            letters[at] = letter;
            let _ = ServiceAccount::parse(&letters.into_iter().collect::<String>());
        }
    }
}
