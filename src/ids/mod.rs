//! Identifiers: newtypes that are parsed at the edge and cannot be mixed up, and keyed derivation of ids from input.

pub use newtype::Newtype;

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

mod label;
mod newtype;

pub use label::Label;

/// Text that is not the id it was read as. `what` names the kind of id, never the input, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct ParseIdError {
    /// The kind of id that was expected, such as "customer id".
    pub what: &'static str,
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The bare UUID, for binding into SQL.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError { what: $what })
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl Newtype for $name {
            type Raw = Uuid;
            type Error = std::convert::Infallible;

            fn try_from_raw(uuid: Uuid) -> Result<Self, Self::Error> {
                Ok(Self(uuid))
            }

            fn into_raw(self) -> Uuid {
                self.0
            }
        }
    )*};
}

uuid_ids! {
    /// A company that uses commlog. Part of every stream's identity; a tenant never sees another's events.
    TenantId, "tenant id";
    /// A person or account that messages go to and come from.
    CustomerId, "customer id";
    /// An address as an aggregate: keyed fingerprint of tenant, kind and normalised address.
    AddressId, "address id";
    /// One message, in or out, on any channel.
    MessageId, "message id";
    /// A conversation with one customer on one channel.
    ConversationId, "conversation id";
    /// A campaign that messages belong to.
    CampaignId, "campaign id";
    /// A list of customers.
    ListId, "list id";
    /// An order, invoice, payment, shipment, appointment or custom activity.
    ActivityId, "activity id";
    /// A private note on a customer.
    NoteId, "note id";
    /// One run of an import: a batch that can be undone.
    ImportId, "import id";
    /// An API key; the secret part is never stored.
    ApiKeyId, "API key id";
    /// A file of a message, and the blob that holds it.
    AttachmentId, "attachment id";
    /// An event. Time-ordered, so that its index stays cheap; derived ids are time-ordered too.
    EventId, "event id";
    /// A command, found again by this id when it is repeated.
    CommandId, "command id";
    /// What belongs to one piece of work: an import, a campaign run, a request.
    CorrelationId, "correlation id";
    /// Whose key seals an event's personal part: a customer, an address or a tenant.
    SubjectId, "subject id";
    /// A secret in the key store: an event names it, and never holds it.
    SecretId, "secret id";
}

impl From<CustomerId> for SubjectId {
    fn from(id: CustomerId) -> Self {
        Self(id.0)
    }
}

impl From<AddressId> for SubjectId {
    fn from(id: AddressId) -> Self {
        Self(id.0)
    }
}

impl From<TenantId> for SubjectId {
    fn from(id: TenantId) -> Self {
        Self(id.0)
    }
}

impl From<ImportId> for CorrelationId {
    fn from(id: ImportId) -> Self {
        Self(id.0)
    }
}

/// Where an event stands in the whole log: opaque, 16 bytes, sortable as bytes. SQL backends put a counter in the low
/// eight; people see it only as a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position([u8; 16]);

impl Position {
    /// Before the first event.
    pub const START: Self = Self([0; 16]);

    /// The position that a SQL backend's counter stands for.
    #[must_use]
    pub const fn from_counter(counter: u64) -> Self {
        Self((counter as u128).to_be_bytes())
    }

    /// The counter of a SQL backend; saturates on positions of other engines.
    #[must_use]
    pub fn counter(self) -> u64 {
        u64::try_from(u128::from_be_bytes(self.0)).unwrap_or(u64::MAX)
    }

    /// The sortable bytes, for binding into SQL.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// Reads the bytes back; any other length is refused.
    pub fn try_from_bytes(bytes: &[u8]) -> Result<Self, ParseIdError> {
        bytes.try_into().map(Self).map_err(|_| ParseIdError { what: "position" })
    }
}

impl TryFrom<Vec<u8>> for Position {
    type Error = ParseIdError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, ParseIdError> {
        Self::try_from_bytes(&bytes)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Position {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let bytes = hex::decode(text).map_err(|_| ParseIdError { what: "position" })?;
        Self::try_from_bytes(&bytes)
    }
}

impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A tenant's secret for deriving ids and fingerprints from (possibly personal) input. Never a plain hash: anyone who
/// reads the log could otherwise test guesses.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct TenantSecret([u8; 32]);

impl fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantSecret(..)")
    }
}

impl TenantSecret {
    /// Wraps 32 secret bytes from the key store.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 over a label and length-prefixed parts, so that no two inputs share an encoding.
    #[must_use]
    pub fn fingerprint(&self, label: Label, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in std::iter::once(label.text().as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// A UUID (version 8) derived from the input: the same input gives the same id on every node.
    #[must_use]
    pub fn derive(&self, label: Label, parts: &[&[u8]]) -> Uuid {
        let digest = self.fingerprint(label, parts);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Uuid::new_v8(bytes)
    }

    /// As [`Self::derive`], with the milliseconds of `at` in front: derived event ids stay time-ordered, so their index
    /// grows at its end. `at` must itself come from the input (an invoice's date, a provider's clock).
    #[must_use]
    pub fn derive_ordered(&self, at: chrono::DateTime<chrono::Utc>, label: Label, parts: &[&[u8]]) -> Uuid {
        let digest = self.fingerprint(label, parts);
        let mut bytes = [0; 16];
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&digest[..10]);
        Uuid::new_v8(bytes)
    }

    /// As [`Self::derive_ordered`], with the first 16 bits of another id after the time: what is derived of many things at
    /// one time, in the order of their ids, comes in that order, so that indexes are written page by page. 58 bits are left
    /// of what tells two inputs with the same 16 bits apart.
    #[must_use]
    pub fn derive_beside(
        &self,
        at: chrono::DateTime<chrono::Utc>,
        beside: Uuid,
        label: Label,
        parts: &[&[u8]],
    ) -> Uuid {
        let mut bytes = self.derive_ordered(at, label, parts).into_bytes();
        let [first, second, ..] = beside.into_bytes();
        // Around version and variant, which take the first four bits of one byte and the first two of another.
        bytes[6] = first >> 4;
        bytes[7] = (first << 4) | (second >> 4);
        bytes[8] = ((second & 0x0f) << 2) | (bytes[8] & 0x03);
        Uuid::new_v8(bytes)
    }
}
