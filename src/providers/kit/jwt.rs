//! JSON Web Tokens (RFC 7519): those that prove webhooks, with a shared secret, and those that open an API, with an RSA key.
//!
//! A library would judge times by the system's clock; here they are the caller's business, as are all other claims.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::providers::{Secret, SignatureError};

/// No token of a provider's is longer, in bytes.
const LONGEST: usize = 16 * 1024;

/// The claims of a token that was signed with one of the secrets (HS256, HS384 or HS512). Nothing is said of when it was
/// signed and for what.
pub(in crate::providers) fn verify(token: &str, secrets: &[Secret]) -> Result<Value, SignatureError> {
    let secrets: Vec<_> = secrets.iter().filter(|secret| !secret.is_empty()).collect();
    if secrets.is_empty() {
        return Err(SignatureError::Missing);
    }
    if token.len() > LONGEST {
        return Err(SignatureError::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(SignatureError::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(SignatureError::Malformed)?;
    let algorithm = match object(header)?.get("alg").and_then(Value::as_str) {
        Some("HS256") => hmac::HMAC_SHA256,
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        // `none` too, and those for which a shared secret would be taken for a public key.
        _ => return Err(SignatureError::Malformed),
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SignatureError::Malformed)?;
    let is_genuine = secrets.iter().any(|secret| {
        let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
        hmac::verify(&key, message.as_bytes(), &signature).is_ok()
    });
    if is_genuine { object(claims) } else { Err(SignatureError::Forged) }
}

/// Whether a claim is the SHA-256 of some bytes, in hexadecimal digits.
pub(in crate::providers) fn is_hash(claim: &str, bytes: &[u8]) -> bool {
    let actual = hex::encode(digest::digest(&digest::SHA256, bytes));
    bool::from(actual.as_bytes().ct_eq(claim.to_ascii_lowercase().as_bytes()))
}

/// A token that is signed with a secret, HS256. For doubles of providers.
#[must_use]
pub fn sign(secret: &Secret, claims: &Value) -> String {
    let message = message("HS256", claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

/// A private RSA key.
pub struct RsaKey(RsaKeyPair);

impl RsaKey {
    /// Reads a PEM (PKCS #8 or PKCS #1). Its line breaks may be written as `\n` or be lost, as environment variables often have
    /// them. [`None`] unless it is a key of 2,048 bits or more.
    #[must_use]
    pub fn parse(pem: &Secret) -> Option<Self> {
        let (_, rest) = pem.expose().split_once("-----BEGIN ")?;
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        let body = Zeroizing::new(body.replace("\\n", "").replace(char::is_whitespace, ""));
        let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
        let pair = match label {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
            _ => return None,
        };
        pair.ok().map(Self)
    }

    /// A token that is signed with the key, RS256; [`None`] if the system gives no randomness.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> Option<String> {
        let message = message("RS256", claims);
        let mut signature = vec![0; self.0.public().modulus_len()];
        // The signature itself is the same each time: randomness only blinds the computation against being timed.
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half, as `RSAPublicKey` in DER. For doubles of providers.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.0.public().as_ref()
    }
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaKey(..)")
    }
}

fn message(algorithm: &str, claims: &Value) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(&header), encode(claims))
}

fn object(part: &str) -> Result<Value, SignatureError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| SignatureError::Malformed)?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object).ok_or(SignatureError::Malformed)
}

#[cfg(test)]
pub(in crate::providers) mod tests;
