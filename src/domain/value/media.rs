//! What a text message can carry, and the links by which a provider fetches it.
//!
//! A link is authenticated with the tenant's secret and expires: it names a file of a customer, holds nothing that a
//! person can be read from, and nobody can make one. Nothing is stored for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::ids::{AttachmentId, CustomerId, Label, TenantId, TenantSecret};

/// A kind of file that a text message can carry.
#[derive(Debug, PartialEq, Eq)]
pub struct MediaKind {
    /// The media type.
    pub name: &'static str,
    /// How large it may be, in bytes.
    pub largest: u64,
}

const PICTURE: u64 = 5 * 1024 * 1024;
const OTHER: u64 = 500 * 1024;

/// All kinds (Twilio: 5 MB for jpeg, png and gif, 500 KB for others). Links name them by their place here, which
/// therefore never changes.
const KINDS: &[MediaKind] = &[
    MediaKind { name: "image/jpeg", largest: PICTURE },
    MediaKind { name: "image/png", largest: PICTURE },
    MediaKind { name: "image/gif", largest: PICTURE },
    MediaKind { name: "application/pdf", largest: OTHER },
    MediaKind { name: "text/vcard", largest: OTHER },
    MediaKind { name: "text/calendar", largest: OTHER },
    MediaKind { name: "audio/mpeg", largest: OTHER },
    MediaKind { name: "audio/mp4", largest: OTHER },
    MediaKind { name: "audio/amr", largest: OTHER },
    MediaKind { name: "video/mp4", largest: OTHER },
    MediaKind { name: "video/3gpp", largest: OTHER },
];

/// The kind of a media type; [`None`] if a text message cannot carry it.
#[must_use]
pub fn kind(content_type: &str) -> Option<&'static MediaKind> {
    KINDS.iter().find(|kind| kind.name == content_type)
}

/// The names of all kinds, for people.
#[must_use]
pub fn names() -> String {
    KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

/// The first byte of every link's token.
const VERSION: u8 = 1;
/// Version, kind, tenant, customer, file, expiry.
const CONTENT: usize = 2 + 3 * 16 + 8;
/// How many bytes of HMAC-SHA-256 authenticate it.
const MAC: usize = 16;

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaLink {
    /// The tenant.
    pub tenant: TenantId,
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The file's id.
    pub attachment_id: AttachmentId,
    /// What it is.
    pub kind: &'static MediaKind,
    /// From then on it says nothing.
    pub expires_at: DateTime<Utc>,
}

impl MediaLink {
    /// The token as text for a URL: letters, digits, `-` and `_`.
    #[must_use]
    pub fn seal(&self, secret: &TenantSecret) -> String {
        let place = KINDS.iter().position(|kind| kind == self.kind).unwrap_or_default();
        let mut bytes = Vec::with_capacity(CONTENT + MAC);
        bytes.extend([VERSION, u8::try_from(place).unwrap_or(u8::MAX)]);
        for id in [self.tenant.0, self.customer_id.0, self.attachment_id.0] {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.expires_at.timestamp().to_be_bytes());
        let mac = secret.fingerprint(Label::MediaLink, &[&bytes]);
        bytes.extend_from_slice(&mac[..MAC]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The tenant that a text claims to be of, so that its secret can be found. It proves nothing.
    #[must_use]
    pub fn claimed_tenant(text: &str) -> Option<TenantId> {
        decode(text).and_then(|bytes| Uuid::from_slice(&bytes[2..18]).ok()).map(TenantId)
    }

    /// Reads a token; [`None`] if the tenant did not make it, or it has expired.
    #[must_use]
    pub fn open(text: &str, secret: &TenantSecret, now: DateTime<Utc>) -> Option<Self> {
        let bytes = decode(text)?;
        let (content, mac) = bytes.split_at(CONTENT);
        let expected = secret.fingerprint(Label::MediaLink, &[content]);
        if !bool::from(expected[..MAC].ct_eq(mac)) {
            return None;
        }
        let id = |from: usize| Uuid::from_slice(&content[from..from + 16]).ok();
        let seconds = i64::from_be_bytes(content[50..58].try_into().ok()?);
        let expires_at = DateTime::from_timestamp(seconds, 0)?;
        (expires_at > now).then_some(Self {
            tenant: TenantId(id(2)?),
            customer_id: CustomerId(id(18)?),
            attachment_id: AttachmentId(id(34)?),
            kind: KINDS.get(usize::from(content[1]))?,
            expires_at,
        })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    // Longer than any that we made: not even decoded.
    if text.len() > 2 * (CONTENT + MAC) {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == CONTENT + MAC && bytes[0] == VERSION).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn link() -> MediaLink {
        MediaLink {
            tenant: TenantId(Uuid::from_u128(1)),
            customer_id: CustomerId(Uuid::from_u128(2)),
            attachment_id: AttachmentId(Uuid::from_u128(3)),
            kind: kind("image/gif").expect("a kind"),
            expires_at: DateTime::from_timestamp(2_000_000_000, 0).expect("a time"),
        }
    }

    #[test]
    fn a_link_opens_for_its_tenant_until_it_expires() {
        let (secret, text) = (TenantSecret::new([1; 32]), link().seal(&TenantSecret::new([1; 32])));
        assert_eq!(MediaLink::claimed_tenant(&text), Some(link().tenant));
        let before = link().expires_at - TimeDelta::seconds(1);
        assert_eq!(MediaLink::open(&text, &secret, before), Some(link()));
        assert_eq!(MediaLink::open(&text, &secret, link().expires_at), None);
        assert_eq!(MediaLink::open(&text, &TenantSecret::new([2; 32]), before), None);
    }

    #[test]
    fn a_changed_link_opens_nothing() {
        let (secret, text) = (TenantSecret::new([1; 32]), link().seal(&TenantSecret::new([1; 32])));
        for at in 0..text.len() {
            for letter in ["A", "_", ""] {
                let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
                let opened = MediaLink::open(&changed, &secret, DateTime::UNIX_EPOCH);
                assert!(changed == text || opened.is_none(), "{at}");
            }
        }
        assert_eq!(MediaLink::open(&"A".repeat(100_000), &secret, DateTime::UNIX_EPOCH), None);
    }
}
