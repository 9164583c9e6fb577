//! Keys that sign mail (DKIM, RFC 6376 and RFC 8463), in the forms in which they are made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::dkim::{DkimSigningAlgorithm, DkimSigningKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::providers::Secret;

/// What stands in a PKCS #8 key before an RSA key (PKCS #1), behind the outer length: version 0, the algorithm, and the
/// beginning of an octet string of 256 bytes or more (RFC 5958, RFC 8017).
const PKCS8_RSA: [u8; 20] = [
    0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x04,
    0x82,
];
/// The outer sequence's tag and length, and the octet string's length.
const OUTER: usize = 4;
const LENGTH: usize = 2;

/// Reads a private key: RSA in PEM (`RSA PRIVATE KEY`, as older tools write it, or `PRIVATE KEY`), or Ed25519 as 32
/// bytes in base64.
pub(super) fn read(key: &Secret) -> Option<DkimSigningKey> {
    let text = key.expose();
    if !text.contains("-----BEGIN") {
        return DkimSigningKey::new(text, DkimSigningAlgorithm::Ed25519).ok();
    }
    let pkcs1 = match PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs1(key) => key.secret_pkcs1_der().to_vec(),
        PrivateKeyDer::Pkcs8(key) => {
            let inner = key.secret_pkcs8_der().get(OUTER..)?.strip_prefix(&PKCS8_RSA)?;
            inner.get(LENGTH..)?.to_vec()
        }
        _ => return None,
    };
    // lettre reads PKCS #1 only.
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines(&pkcs1));
    DkimSigningKey::new(&pem, DkimSigningAlgorithm::Rsa).ok()
}

fn lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n")
}
