//! Sealing: authenticated encryption of personal data, bound to the place that it belongs to.
//!
//! A sealed text is one byte of format version (1), a random nonce of 24 bytes, the ciphertext of
//! XChaCha20-Poly1305 and its tag of 16 bytes. The associated data names what was sealed, so that a ciphertext that is
//! moved to another event, stream or tenant does not open.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use chacha20poly1305::aead::{AeadInOut, KeyInit, inout::InOutBuf};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::clock::Ambient;
use crate::ids::EventId;
use crate::log::StreamId;

const FORMAT: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;

/// How many bytes a sealed text is longer than its plain text.
pub const OVERHEAD: usize = 1 + NONCE + TAG;

/// A sealed text that does not open: another key, another place, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed data does not open: it was changed, moved, or sealed with another key")]
pub struct OpenError;

/// The key that seals the personal data of one subject.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SubjectKey([u8; 32]);

impl SubjectKey {
    /// Wraps 32 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for wrapping by the master key and for derivation.
    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Encrypts `plain`; `place` must be given again to open it.
    #[must_use]
    pub fn seal(&self, ambient: &Ambient, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = ambient.bytes::<NONCE>();
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .cipher()
            .encrypt_inout_detached(&XNonce::from(nonce), place, InOutBuf::from(&mut sealed[1 + NONCE..]))
            .expect("XChaCha20-Poly1305 takes up to 256 GB");
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Decrypts what [`Self::seal`] made for the same place.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (&format, rest) = sealed.split_first().ok_or(OpenError)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(OpenError)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenError)?;
        if format != FORMAT {
            return Err(OpenError);
        }
        let mut plain = ciphertext.to_vec();
        self.cipher()
            .decrypt_inout_detached(&XNonce::from(*nonce), place, InOutBuf::from(&mut plain[..]), &Tag::from(*tag))
            .map_err(|_| OpenError)?;
        Ok(plain)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

/// The key that wraps all subjects' keys and signs checkpoints. Kept apart from log and key store.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// Text that is not a master key. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a master key is 32 random bytes, written as 64 hex digits or in base64, as `openssl rand -hex 32` prints them"
)]
pub struct ParseMasterKeyError;

impl MasterKey {
    /// Wraps 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new random key.
    #[must_use]
    pub fn generate(ambient: &Ambient) -> Self {
        Self(ambient.bytes())
    }

    /// As 64 hex digits, for keeping it; [`FromStr`] reads them back.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// A key for one purpose, so that no key serves two.
    pub(super) fn derive(&self, purpose: Purpose) -> [u8; 32] {
        hmac(&self.0, &[purpose.text().as_bytes()])
    }
}

impl FromStr for MasterKey {
    type Err = ParseMasterKeyError;

    fn from_str(text: &str) -> Result<Self, ParseMasterKeyError> {
        let text = text.trim();
        let bytes = if text.len() == 64 {
            hex::decode(text).map_err(|_| ParseMasterKeyError)?
        } else {
            base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| ParseMasterKeyError)?
        };
        bytes.try_into().map(Self).map_err(|_| ParseMasterKeyError)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// What a key is derived from the master key for. What the keys seal and sign is stored, so a text never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Sealing subjects' keys in the key store.
    WrapSubjectKeys,
    /// Sealing secrets of services outside, such as providers' tokens.
    SealSecrets,
    /// Signing checkpoints of the log.
    SignCheckpoints,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::WrapSubjectKeys, Self::SealSecrets, Self::SignCheckpoints];

    /// The input of the HMAC under the master key.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::WrapSubjectKeys => "wrap subject keys",
            Self::SealSecrets => "seal secrets",
            Self::SignCheckpoints => "sign checkpoints",
        }
    }
}

/// What is sealed: the first byte of its associated data, so that nothing opens as something else. Never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// The personal part of an event.
    Event = b'e',
    /// A folded state.
    Snapshot = b's',
    /// A frame of a blob.
    Blob = b'b',
    /// What a token carries that is not stored.
    Note = b'n',
    /// A subject's key.
    SubjectKey = b'k',
    /// A secret of a service outside.
    Secret = b'x',
    /// The text that shows whether a master key fits a key store.
    Check = b'c',
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 7] =
        [Self::Event, Self::Snapshot, Self::Blob, Self::Note, Self::SubjectKey, Self::Secret, Self::Check];

    /// The first byte of the associated data.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }
}

/// HMAC-SHA-256 over parts whose lengths are fixed or given by an earlier part.
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The associated data of an event's personal part: tenant, stream, event id, type.
pub(super) fn event_place(stream: &StreamId, id: EventId, event_type: &str) -> Vec<u8> {
    let mut place = stream_place(Place::Event, stream);
    place.extend_from_slice(id.0.as_bytes());
    place.extend_from_slice(event_type.as_bytes());
    place
}

/// The associated data of a snapshot: tenant, stream, what it folds and how far.
pub(super) fn snapshot_place(stream: &StreamId, version: u64, fold_version: u32, fold: &str) -> Vec<u8> {
    let mut place = stream_place(Place::Snapshot, stream);
    place.extend_from_slice(&version.to_be_bytes());
    place.extend_from_slice(&fold_version.to_be_bytes());
    place.extend_from_slice(fold.as_bytes());
    place
}

fn stream_place(kind: Place, stream: &StreamId) -> Vec<u8> {
    let category = stream.category.name().as_bytes();
    let mut place = Vec::with_capacity(96);
    place.extend_from_slice(&[kind.byte(), u8::try_from(category.len()).unwrap_or(u8::MAX)]);
    place.extend_from_slice(category);
    place.extend_from_slice(stream.tenant.0.as_bytes());
    place.extend_from_slice(stream.key.as_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_in_its_place_with_its_key_and_unchanged() {
        let ambient = Ambient::system();
        let key = SubjectKey::new(ambient.bytes());
        let sealed = key.seal(&ambient, b"here", b"Ada Lovelace");

        assert_eq!(key.open(b"here", &sealed).as_deref(), Ok(&b"Ada Lovelace"[..]));
        assert_eq!(key.open(b"there", &sealed), Err(OpenError));
        assert_eq!(SubjectKey::new(ambient.bytes()).open(b"here", &sealed), Err(OpenError));
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(key.open(b"here", &changed), Err(OpenError), "byte {index}");
            assert_eq!(key.open(b"here", &sealed[..index]), Err(OpenError), "length {index}");
        }
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let ambient = Ambient::system();
        let key = SubjectKey::new(ambient.bytes());
        assert_ne!(key.seal(&ambient, b"", b"same"), key.seal(&ambient, b"", b"same"));
    }

    #[test]
    fn a_master_key_is_read_from_hex_and_from_base64() {
        let key = MasterKey::generate(&Ambient::system());
        let base64 = base64::engine::general_purpose::STANDARD.encode(key.0);
        assert_eq!(key.to_hex().parse::<MasterKey>().expect("hex").0, key.0);
        assert_eq!(base64.parse::<MasterKey>().expect("base64").0, key.0);
        assert!("secret".parse::<MasterKey>().is_err());
    }
}
