//! Copies of the key store, for its backups: keys leave it wrapped and secrets sealed, as they are stored, and come back the
//! same way. A tombstone wins over a key or secret, on whichever side it is: what was destroyed once stays destroyed.

pub(super) mod postgres;
pub(super) mod sqlite;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::KeyStoreError;
use super::wrap::Wrapper;
use crate::clock::Ambient;
use crate::ids::{SecretId, SubjectId, TenantId};
use crate::log::seal::MasterKey;

/// A subject's key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose it is.
    pub subject: SubjectId,
    /// The key, sealed with one that derives from the master key.
    pub wrapped: Vec<u8>,
}

/// That a key or a secret was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// Whose key it was; of a secret, its id. Both are unique among all ids.
    pub subject: SubjectId,
    /// When it was destroyed.
    pub destroyed_at: DateTime<Utc>,
}

/// A secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Its id.
    pub id: SecretId,
    /// The tenant.
    pub tenant: TenantId,
    /// The secret, sealed with a key that derives from the master key.
    pub sealed: Vec<u8>,
    /// When it was stored.
    pub stored_at: DateTime<Utc>,
}

/// What a key store keeps, or a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyCopy {
    /// Keys, by subject.
    pub keys: Vec<WrappedKey>,
    /// In the order in which keys and secrets were destroyed.
    pub tombstones: Vec<Tombstone>,
    /// Secrets, by id.
    pub secrets: Vec<SealedSecret>,
}

/// What a copy brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Keys that the store did not have.
    pub added: u64,
    /// Keys that were destroyed: the copy has a tombstone in their place.
    pub destroyed: u64,
    /// Keys of the copy that the store has a tombstone for.
    pub refused: u64,
}

/// Copies a key store, and merges copies into it.
#[async_trait]
pub trait KeyCopies: Send + Sync {
    /// The keys after a subject, in the order of subjects, at most so many.
    async fn copy_keys(&self, after: Option<SubjectId>, most: usize) -> Result<Vec<WrappedKey>, KeyStoreError>;

    /// All tombstones and secrets, without keys.
    async fn copy_rest(&self) -> Result<KeyCopy, KeyStoreError>;

    /// What only the master key opens that the store was made with.
    async fn check_value(&self) -> Result<Vec<u8>, KeyStoreError>;

    /// Adds what the store does not have and has no tombstone for, and destroys what the copy knows to be destroyed, durably before this returns.
    /// Repeating it changes nothing.
    ///
    /// # Errors
    /// [`KeyStoreError::Different`] if the copy has another key of a subject; nothing is changed then.
    async fn merge(&self, copy: KeyCopy) -> Result<Merged, KeyStoreError>;
}

/// Whether a copy's check value was made with this master key.
#[must_use]
pub fn fits(master: &MasterKey, ambient: &Ambient, check_value: &[u8]) -> bool {
    Wrapper::new(master, ambient.clone()).check("", check_value).is_ok()
}

impl Tombstone {
    /// The tombstone of a secret that is destroyed.
    pub(super) const fn of_secret(id: SecretId, destroyed_at: DateTime<Utc>) -> Self {
        Self { subject: SubjectId(id.0), destroyed_at }
    }
}

impl SealedSecret {
    /// Where its tombstone would stand.
    #[must_use]
    pub const fn grave(&self) -> SubjectId {
        SubjectId(self.id.0)
    }
}

/// A stored time.
fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
